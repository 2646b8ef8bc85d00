#ifndef TLS_H
#define TLS_H

/*
 * A certificate authority made for this run, and a certificate of its making
 * for every host that the simulated iCloud plays.  PEM texts, freed by
 * tls_clear().
 */
struct tls {
	char	*ca, *certificate, *key;
};

/* 0, or -1 if OpenSSL refused. */
int	tls_make(struct tls *out);
void	tls_clear(struct tls *);

#endif
