#include "xmp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "civil.h"
#include "text.h"

#define MINUTE_PARTS  1000000 /* of a minute of arc: below 2 mm */
#define ALTITUDE_MOST 1e6     /* metres; what is more is no place on Earth */
#define TEXT_BYTES    65536
#define RATING        5

/* ---- text ---- */

/* XML 1.0, 2.2. */
static bool
is_allowed(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' ||
	    (c >= 0x20 && c != 0xfffe && c != 0xffff);
}

static void
add_escaped(struct buf *out, const char *text, size_t len)
{
	uint32_t c;
	size_t n;

	for (; len > 0; text += n, len -= n) {
		n = text_next(&c, text, len);
		if (c == UINT32_MAX)
			buf_adds(out, "\xef\xbf\xbd");
		else if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c == '\r') /* a reader would make a line end of it */
			buf_adds(out, "&#13;");
		else if (is_allowed(c))
			buf_add(out, text, n);
	}
}

/* As it stands between two tags, the caller frees; NULL if nothing does. */
static char *
content_of(const char *text)
{
	struct buf b = {0};

	if (text == NULL)
		return NULL;
	add_escaped(&b, text, text_cut(text, TEXT_BYTES));
	if (strspn(buf_text(&b), " \t\n") < b.len)
		return buf_take(&b);
	buf_clear(&b);
	return NULL;
}

static void
add_text(struct buf *out, const char *name, const char *text)
{
	char *content = content_of(text);

	if (content != NULL)
		buf_addf(out,
		    "   <%s>\n    <rdf:Alt>\n"
		    "     <rdf:li xml:lang=\"x-default\">",
		    name);
	if (content != NULL) {
		buf_adds(out, content);
		buf_addf(out, "</rdf:li>\n    </rdf:Alt>\n   </%s>\n", name);
	}
	free(content);
}

static void
add_list(
    struct buf *out, const char *name, const char *kind, char **words, size_t n)
{
	if (n == 0)
		return;
	buf_addf(out, "   <%s>\n    <rdf:%s>\n", name, kind);
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, "     <rdf:li>");
		buf_adds(out, words[i]);
		buf_adds(out, "</rdf:li>\n");
	}
	buf_addf(out, "    </rdf:%s>\n   </%s>\n", kind, name);
}

static void
add_keywords(struct buf *out, const struct xmp *x)
{
	char **words, *word;
	size_t n = 0, i, j;

	if (x->nkeywords == 0)
		return;
	words = xcalloc(x->nkeywords, sizeof(*words));
	for (i = 0; i < x->nkeywords; i++) {
		word = content_of(x->keywords[i]);
		if (word == NULL)
			continue;
		for (j = 0; j < n && strcmp(words[j], word) != 0; j++)
			;
		if (j < n)
			free(word);
		else
			words[n++] = word;
	}
	add_list(out, "dc:subject", "Bag", words, n);
	add_list(out, "digiKam:TagsList", "Seq", words, n);
	for (i = 0; i < n; i++)
		free(words[i]);
	free(words);
}

/* ---- place ---- */

static double
without_sign(double d)
{
	return d < 0 ? -d : d;
}

static int64_t
rounded(double d)
{
	return (int64_t)(d + 0.5);
}

/* "43,46.189600N" */
static void
add_degrees(struct buf *out, const char *name, double degrees, char positive,
    char negative)
{
	int64_t parts = rounded(without_sign(degrees) * 60 * MINUTE_PARTS);
	int64_t minutes = parts / MINUTE_PARTS;

	buf_addf(out, "   <%s>%d,%02d.%06d%c</%s>\n", name, (int)(minutes / 60),
	    (int)(minutes % 60), (int)(parts % MINUTE_PARTS),
	    degrees < 0 && parts > 0 ? negative : positive, name);
}

static void
add_place(struct buf *out, const struct xmp *x)
{
	if (!x->has_place)
		return;
	add_degrees(out, "exif:GPSLatitude", x->latitude, 'N', 'S');
	add_degrees(out, "exif:GPSLongitude", x->longitude, 'E', 'W');
	/* NaN is none, too. */
	if (!x->has_altitude || !(without_sign(x->altitude_m) <= ALTITUDE_MOST))
		return;
	buf_addf(out,
	    "   <exif:GPSAltitude>%" PRId64 "/1000</exif:GPSAltitude>\n"
	    "   <exif:GPSAltitudeRef>%d</exif:GPSAltitudeRef>\n",
	    rounded(without_sign(x->altitude_m) * 1000), x->altitude_m < 0);
}

/* ---- date ---- */

/* "2024-07-31T14:00:00.250+02:00", as the clocks there had it; where they are
 * not known "Z".  A zone of old has seconds, for which there is no room. */
static void
add_taken(struct buf *out, const struct xmp *x)
{
	static const char *const names[] = {
	    "exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"};
	int64_t minutes = x->has_offset ? x->offset_s / 60 : 0;
	int64_t off = minutes < 0 ? -minutes : minutes;
	struct civil c;

	if (!x->has_taken)
		return;
	civil_from_ms(&c, x->taken_ms + minutes * 60000);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_addf(out, "   <%s>%04" PRId64 "-%02d-%02dT%02d:%02d:%02d",
		    names[i], c.year, c.month, c.day, c.hour, c.minute,
		    c.second);
		if (c.ms != 0)
			buf_addf(out, ".%03d", c.ms);
		if (x->has_offset)
			buf_addf(out, "%c%02d:%02d", minutes < 0 ? '-' : '+',
			    (int)(off / 60), (int)(off % 60));
		else
			buf_addc(out, 'Z');
		buf_addf(out, "</%s>\n", names[i]);
	}
}

void
xmp_write(struct buf *out, const struct xmp *x)
{
	buf_adds(out,
	    "<?xpacket begin=\"\xef\xbb\xbf\""
	    " id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
	    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
	    " <rdf:RDF"
	    " xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
	    "  <rdf:Description rdf:about=\"\"\n"
	    "    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
	    "    xmlns:digiKam=\"http://www.digikam.org/ns/1.0/\"\n"
	    "    xmlns:exif=\"http://ns.adobe.com/exif/1.0/\"\n"
	    "    xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\"\n"
	    "    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\">\n");
	add_text(out, "dc:title", x->title);
	add_text(out, "dc:description", x->caption);
	add_keywords(out, x);
	add_place(out, x);
	add_taken(out, x);
	if (x->favourite)
		buf_addf(out, "   <xmp:Rating>%d</xmp:Rating>\n", RATING);
	buf_adds(out,
	    "  </rdf:Description>\n"
	    " </rdf:RDF>\n"
	    "</x:xmpmeta>\n"
	    "<?xpacket end=\"w\"?>\n");
}
