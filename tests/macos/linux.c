/* A call that only Linux has, declared as if macOS had it: it must not link. */

int renameat2(int, const char *, int, const char *, unsigned);

int
main(void)
{
	return renameat2(0, "a", 0, "b", 0);
}
