#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growing run of bytes, always followed by a NUL that len does not count,
 * created with a maximum.  Zero it or buf_init() it; buf_clear() ends it.
 */
struct buf {
	char	*data;	 /* owned; NULL only while nothing was ever added */
	size_t	 len;	 /* bytes */
	size_t	 cap;	 /* bytes allocated */
	size_t	 max;	 /* most bytes; 0 means BUF_MAX_DEFAULT */
	int	 secret; /* wipe on growth and on clear */
};

#define BUF_MAX_DEFAULT ((size_t)1 << 30)

void	buf_init(struct buf *, size_t max);
void	buf_init_secret(struct buf *, size_t max);
void	buf_clear(struct buf *); /* harmless when empty or cleared before */
void	buf_reset(struct buf *); /* forget the bytes, keep the memory */

/* 0, or -1 if max would be passed (nothing is added then). */
int	buf_add(struct buf *, const void *, size_t);
int	buf_adds(struct buf *, const char *);
int	buf_addc(struct buf *, char);
int	buf_addf(struct buf *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
int	buf_vaddf(struct buf *, const char *fmt, va_list)
	    __attribute__((format(printf, 2, 0)));

/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
int	buf_add_json(struct buf *, const char *utf8);

/* The text so far: "" when nothing was added.  Valid until the next change. */
const char *buf_text(const struct buf *);
/* Take the bytes out; the caller frees.  Never NULL. */
char	*buf_take(struct buf *);

/*
 * Small memory of our own: running out ends the program, which is safe since
 * all state is transactional.  Never for a size that a server has chosen.
 */
void	*xmalloc(size_t);
void	*xcalloc(size_t, size_t);
void	*xrealloc(void *, size_t);
void	*xreallocarray(void *, size_t, size_t);
char	*xstrdup(const char *);   /* NULL gives NULL */
char	*xstrndup(const char *, size_t);
char	*xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Wipe and free a secret text; NULL is fine.  Wipe bytes that stay. */
void	 secret_free(char *);
void	 secret_wipe(void *, size_t);

#endif
