#ifndef _SYS_XATTR_H_
#define _SYS_XATTR_H_

/* What the macOS SDK has under this name, as far as it is needed here. */

#include <sys/types.h>

#define XATTR_NOFOLLOW 0x0001
#define XATTR_CREATE   0x0002
#define XATTR_REPLACE  0x0004

/* Two arguments more than on Linux: position and options. */
ssize_t getxattr(const char *path, const char *name, void *value, size_t size,
    u_int32_t position, int options);
ssize_t fgetxattr(int fd, const char *name, void *value, size_t size,
    u_int32_t position, int options);
int setxattr(const char *path, const char *name, const void *value,
    size_t size, u_int32_t position, int options);
int fsetxattr(int fd, const char *name, const void *value, size_t size,
    u_int32_t position, int options);
int removexattr(const char *path, const char *name, int options);
ssize_t listxattr(const char *path, char *names, size_t size, int options);

#endif
