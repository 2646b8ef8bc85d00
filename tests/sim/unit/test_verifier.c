/* The server's side of the vectors of [srp]: V1, V2, V3, and VE, whose account
 * name is empty.  They were checked against two independent clients. */

#include "test.h"

#include "text.h"
#include "verifier.h"

static const struct vector {
	const char *what, *name, *password;
	int iterations;
	bool hex;
	const char *salt, *secret, *v, *a, *b, *key, *m1, *m2;
} vectors[] = {
    {"V1: s2k", "test.user@example.com", "correct horse battery staple", 20064,
	false, "beb25379d1a8581eb5a727673a2441ee",
	"e487cb59d31ac550471e81f00f6928e01dda08e974a004f49e61f5d105284d20",
	"6a70f0d2700a0acf40113f43e81393ee0eca87ae1eee5d74b599fe06dd9f34d8"
	"bc34b2b439ce783c72e4bbc94af723601c421506c6b64282594aaf24456af3a2"
	"768b3549c17b60774d3204e86f2a5107698e25fdc6845300f66109ea6a24b2c1"
	"94464c3c99a29160a5601b16fae5d6703b30adbd0d9f9a7880ebd4dab4d3fc8d"
	"210b27ac14507fd497e6fe652251fc0c1c4779965ecfd85379ce4345872fd339"
	"4c5e4cda190729aa5b44dbb13fb1a0f725f96bfb1aa7189f470e33f235b940bd"
	"ba80e41b5eb87d294bce5d432ad9b643849a81855fb00446d92009393aa9619f"
	"dedb5d42b8025222c6c8030ee2286d0ab6a1cf7900de8040da6ebc987dbe3f4a",
	"4b700f8d48e69c9aae40c684ac7c7c03121e2b7602eb4c3514804ccada0ed401"
	"9193a351ecc65a6f854ede91eb096e721b22d701c7adc64e9cedacd75f2e26bb"
	"2f5e45dd53dc8dbeafffe82aa49fca0573444691212537a73cf80e2503925820"
	"5a7edf4749b30adaf25877c62fcd09d6613598bcd4baf2a9727a53706a278148"
	"992b2abb23ad5d512d269e16ca11bc0895b5a3b5ec4721cde40a8c39c796e94f"
	"0be86dbbeb33da7037018983921aba3f5053195d5ac1da4e567e3c0e75d9e060"
	"9f92e850657b2be4771f415b9cacc5c1ecedc30133bf6474f5022c6519d78076"
	"0ca4d8d3b966b034bd73877c1b3b33f474b9c3c5299a1968f3e6cd3bfe84445a",
	"1b89beb36c9373bdd2fed6a047537f438ba00eb024931ec9b980ca607936df8e"
	"74371d8edd1d1112951f0aef7ff3ed2243fb0fb0090e7f0944ebfa3fe15cd8c0"
	"6e032dea6018b5d1b838ad21e3d8f0d8e15319351c8c339b4479d84797b76339"
	"c28b5acfeac96d2a039e7cba838c9d1b6b2c303589a59d981efbcea773c6198f"
	"2e06ea8d7ce79726a224fecc0b6a0342c2ec33943d34611167af1beda3b46520"
	"b646fdb2097b9b43fa07564524a9391de4a408f00bb77fa4a26ae11e9f20f30a"
	"c51fe547fcf293ef7c91f8e91a755122ce013abd697cb1969fc675ac83ac3972"
	"62a53bc483752d0ef27fec4aabd0c9731beb4c6ee145c4051debbe40c825e66c",
	"644e03e1a740a077837ba44c4d0529f6137de2e9c85e6493628b943bb4cb11ce",
	"c08616035fccfe77ee78973bed919fde97c03ace75056e4e6f10bd719b1621b5",
	"78c5ba0061beba74ad1b24465a8088fb676c754c9a2536f633dfb3512474284d"},
    {"V2: s2k_fo, a password that is no ASCII", "test.user@example.com",
	"P\xc3"
	"\xa4"
	"ssw\xc3"
	"\xb6"
	"rd-\xe5"
	"\xaf"
	"\x86"
	"\xe7"
	"\xa0"
	"\x81"
	"-1",
	20309, true, "5d41402abc4b2a76b9719d911017c592",
	"204d2805d1f5619ef404a074e908da1de028690ff0811e4750c51ad359cb87e4",
	"411b2bfdc20119ff3cdf13ae6df3cf4cce5e3894221aee1552d04861abdb2c41"
	"f6c44618e717bccb5ed7a92f42425ff28d2de19eb19be2115ef3fc99c6a5ecac"
	"13e5a05488dc9b021a2b113f6d0fd9df7e1b650204a1bc7fa803056b0a05db1a"
	"17be7dc168afabd90f067a2e8841c27b524ef2e6b6ff810dba786b8e60a817b5"
	"8a1882764f23cea5909b430fa2fcddaf7972f58fcf6b8be70501fe37d79e21a8"
	"fd850a9c00c53b9e609cd46d4c17523b131397aec4daff342dfcb3ce9222bf42"
	"f96f9a2c40d619b7fdd2c6944c8bc06f06dd6afb56425193901ef53621ec86ca"
	"55d272ea79d9534b231c1e17c8fd4d7e38284eb17740dfa548ee397fe43e7770",
	"ab611e0df234c9cecace7a95e60ee4bcf311150591376eaa9f289386535f3450"
	"5b70c758ea85213150c5120b21b41c05a9eac980aa3422110acf75dada873d92"
	"56bf96d3fe17bcfdacd1e18209e1fec99ace28ef650a7d7e456a6075b6d176c4"
	"814b10d71f7d9af20ef6e89b326b0050cf6d8c6743bc87c2248299348c8bd025"
	"3e559f5dea3469446b3be010c47dec46198dbcfa1f712f8680debbf16104f642"
	"d38457d849b6ba97036c52812f59496f565f8e27c6c6e067f16770d546c6effb"
	"a16261f39a0c2b97daba3ca6b294615833fe7a19b83a2e241e520c8c930f3a96"
	"4581d74757a99e4b9e334e9b2e4504996c72f78005d177bcd68a55cc5b116e41",
	"012708db721a99d128f5970302d9fb84be4c7695d3dfd801f30acb91629d30ae"
	"9356b605f1f2753ced558c416aff51ffba29c5a6de821383437c584594ce20cd"
	"034647f5ffea759a7c923968091f2f1c16792c7317777ccdf5c801e8cf919877"
	"59e66c11145590ef25ab1c59eb7ee2c0666d5554a12c65868da9880bf75b31e8"
	"6927b697c6ee31bc232be2166902a7cd53f57ec9d6ecc8b0dfa132533a38c1d3"
	"d14776340ab84d504ac696adc094c27d0546cc7987319f119d8619563b5e0dc2"
	"478234768b29e003fabd5db91c8b803abf3d8e7fba823d38ea78ae53541d39ed"
	"90aacb6dc5faa25c1ea6a05aec308c78520e9c4b66afd7e7bab947b50c80dbdb",
	"72d546ce982511a9bc9ee6a01c48c96497415fe035ae91729ab99d649955872a",
	"e24f98632ab8ffa20f23e8cac1dbb3f162ca99f08e07dcd9dab27a13d8ca9438",
	"1037dd1ec84c90007d23a9cbc6e44c01242b4362dcdf0f0ce4085d17ad5338d4"},
    {"V3: salt, A and S begin with a zero byte", "pad@example.com",
	"padding-test", 1000, false, "00b25379d1a8581eb5a727673a2441ee",
	"d39b666110b51507d08e07c7d2b4cf7435834315715de73098686534abf9d0c3",
	"9c24633a91c2ef2f89407e088e2eb9d2d723ef2229544fb5ec23f4873f54e28c"
	"1bb340232bcd095260e3b352d7c4fe69b70045105a8f79d96f954785944c17cd"
	"407b455a3a70dde0b8c670d07f214f02d5bbc03db9086400f59d7ae62e515138"
	"1c87439fda6638bf4bc8944771ab1cd2c8cae034c551af6597af157136d0d32e"
	"85af9f4f2c3ef53a0194853ff24ccd715892985b61acdc61f20adc496404ec50"
	"7d0ddaebdc826c5fbf812c68f363681a8ded04f32c4260f7c37f96471376143f"
	"72f6b7790a9963c99ea85e5398b8335fa2b9e1cd5930825401c57043ef2cdaed"
	"9d8e2a15d530c5c602479c97ed0ef6e157d8a78b9ec484f16c83ca6a38e709b5",
	"00e54365a9039d79db03693a598742222772b694685694ce5ded245dc4845113"
	"408b0134132e33c3da970e0e5b7b700c06bfa37a1c73a6c7159228debaa8bfdf"
	"702e5a6feb95476ee09694c1000b4be9dbf8844bba13c38c3d9cd87b12edba81"
	"5a956534516a5d72af0d4fe459544a3f105d690378d67d4505d10a8df6a3b820"
	"df8b8d573b1f9ad527302d3fe82c16b04c352953fcb70a7c98d9993b99d3a3ea"
	"7160a9f03b8ddfa46dfc8716c6047d31c853a43f898e2e128f1ffeedfc94b528"
	"ea11e39578bc6964b20dfe3e98c871a11ad5c15d4d7a7db20b391e4617f2e364"
	"711bddfb27a1783b69eb51b22c461be4ed49a3494494e41fb3f687164ad9b9dc",
	"403d7942326e859edab6a8309ae1399dae31510c416ac7125b2b6c55d4ff2b01"
	"5a7d144c511ff7c89640599332147e039e181df80b94e2ebede9e5a2c967db1e"
	"9a49363dd74b832c24a6703f0823d35d634071abc3177483e4cd6fb63ed25a99"
	"6585034565524268b38bbee70fee6284b94be620cb393c121ca077d5e227274c"
	"b4089718e3c6587021a1719fb7b117a70be9bce83ec9b351538c53b7baf6564a"
	"cb99af963b29bd323e9d8ca811d19490d4c7335ffb8b7b80a909bad000a27472"
	"8dff311ef4919cc76fd7a51beef2901d2c446e424153616b466c32a6e8d67a94"
	"79cb76c75f859473c811a6879e488cbfc78c4c953d1acc800c10a315af9111f8",
	"53b129b5dca987b81d96e1d025008b74881f389940d72023f391c630b54f6c86",
	"34b5d3235c8810a9dc5730053b758a5c21e98383c7b2f5456aa03bca594c01a0",
	"8e015318396eecd5d62e547663f6468164da6f4d0b2395b4bf678748fb360291"},
};

/* VE is V1 but for the name and so the proofs. */
static const char escrow_m1[] =
    "3fbd7c8b36890abfb8bea3221292161bc48aa8a846c34c56f9610f520dcdc487";
static const char escrow_m2[] =
    "68ed7cca8382ab2295ad4500612eab3816c58c1b2fa12d8c255d294d06601391";

static void
assert_hex(const uint8_t *got, size_t n, const char *want)
{
	char text[2 * SRP_BYTES + 1];

	text_hex(text, got, n);
	assert_string_equal(text, want);
}

static void
start(struct verifier_exchange *x, struct verifier *v, const struct vector *t)
{
	uint8_t salt[16], secret[SRP_HASH], a[SRP_BYTES];

	assert_int_equal(text_unhex(salt, sizeof(salt), t->salt), 0);
	assert_int_equal(text_unhex(secret, sizeof(secret), t->secret), 0);
	assert_int_equal(text_unhex(a, sizeof(a), t->a), 0);
	verifier_set(v, t->password, salt, t->iterations, t->hex);
	assert_true(verifier_start(x, v, a, sizeof(a), secret));
}

static void
test_vectors(void **state)
{
	uint8_t m1[SRP_HASH], m2[SRP_HASH];
	struct verifier_exchange x;
	const struct vector *t;
	struct verifier v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		t = &vectors[i];
		print_message("%s\n", t->what);
		start(&x, &v, t);
		assert_hex(v.v, sizeof(v.v), t->v);
		assert_hex(x.a, sizeof(x.a), t->a);
		assert_hex(x.b, sizeof(x.b), t->b);
		assert_hex(x.key, sizeof(x.key), t->key);
		verifier_proofs(m1, m2, &v, &x, t->name);
		assert_hex(m1, sizeof(m1), t->m1);
		assert_hex(m2, sizeof(m2), t->m2);
	}
}

static void
test_escrow(void **state)
{
	uint8_t m1[SRP_HASH], m2[SRP_HASH];
	struct verifier_exchange x;
	struct verifier v;

	(void)state;
	start(&x, &v, &vectors[0]);
	verifier_proofs(m1, m2, &v, &x, "");
	assert_hex(m1, sizeof(m1), escrow_m1);
	assert_hex(m2, sizeof(m2), escrow_m2);
	assert_hex(x.key, sizeof(x.key), vectors[0].key);
}

/* An A without its leading zero byte is the same number. */
static void
test_short_a(void **state)
{
	const struct vector *t = &vectors[2];
	uint8_t salt[16], secret[SRP_HASH], a[SRP_BYTES];
	struct verifier_exchange x;
	struct verifier v;

	(void)state;
	assert_int_equal(text_unhex(salt, sizeof(salt), t->salt), 0);
	assert_int_equal(text_unhex(secret, sizeof(secret), t->secret), 0);
	assert_int_equal(text_unhex(a, sizeof(a), t->a), 0);
	assert_int_equal(a[0], 0);
	verifier_set(&v, t->password, salt, t->iterations, t->hex);
	assert_true(verifier_start(&x, &v, a + 1, sizeof(a) - 1, secret));
	assert_hex(x.a, sizeof(x.a), t->a);
	assert_hex(x.key, sizeof(x.key), t->key);
}

/* A = 0, or too long: whoever sends it would know K without a password. */
static void
test_bad_a(void **state)
{
	uint8_t secret[SRP_HASH] = {1}, a[SRP_BYTES + 1] = {0};
	struct verifier_exchange x;
	struct verifier v = {.iterations = 1};

	(void)state;
	v.v[SRP_BYTES - 1] = 5;
	assert_false(verifier_start(&x, &v, a, SRP_BYTES, secret));
	assert_false(verifier_start(&x, &v, a, 0, secret));
	a[0] = 1;
	assert_false(verifier_start(&x, &v, a, sizeof(a), secret));
}

static void
test_other_password(void **state)
{
	uint8_t salt[16] = {7};
	struct verifier v, w;

	(void)state;
	verifier_set(&v, "one", salt, 10, false);
	verifier_set(&w, "two", salt, 10, false);
	assert_memory_not_equal(v.v, w.v, SRP_BYTES);
	verifier_set(&w, "one", salt, 10, true);
	assert_memory_not_equal(v.v, w.v, SRP_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_escrow),
	    cmocka_unit_test(test_short_a),
	    cmocka_unit_test(test_bad_a),
	    cmocka_unit_test(test_other_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
