#include "asset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * [uti]: in order of the names, which are in lower case.  Names that say
 * nothing of the bytes (public.item, public.data, public.content, dyn.*) are
 * left out on purpose.
 */
struct uti {
	const char *name, *extension;
};

static const struct uti table[] = {
    {"com.adobe.illustrator.ai-image", "ai"},
    {"com.adobe.pdf", "pdf"},
    {"com.adobe.photoshop-image", "psd"},
    {"com.adobe.raw-image", "dng"},
    {"com.apple.coreaudio-format", "caf"},
    {"com.apple.icns", "icns"},
    {"com.apple.m4a-audio", "m4a"},
    {"com.apple.m4v-video", "m4v"},
    {"com.apple.photos.apple-adjustment-envelope", "aae"},
    {"com.apple.property-list", "plist"},
    {"com.apple.quicktime-movie", "mov"},
    {"com.canon.cr2-raw-image", "cr2"},
    {"com.canon.cr3-raw-image", "cr3"},
    {"com.canon.crw-raw-image", "crw"},
    {"com.canon.tif-raw-image", "tif"},
    {"com.compuserve.gif", "gif"},
    {"com.dji.mimo.pano.jpeg", "jpg"},
    {"com.dxo.raw-image", "dng"},
    {"com.epson.raw-image", "erf"},
    {"com.fuji.raw-image", "raf"},
    {"com.hasselblad.3fr-raw-image", "3fr"},
    {"com.hasselblad.fff-raw-image", "fff"},
    {"com.ilm.openexr-image", "exr"},
    {"com.kodak.raw-image", "dcr"},
    {"com.konicaminolta.raw-image", "mrw"},
    {"com.leafamerica.raw-image", "mos"},
    {"com.leica.raw-image", "raw"},
    {"com.leica.rwl-raw-image", "rwl"},
    {"com.microsoft.bmp", "bmp"},
    {"com.microsoft.cur", "cur"},
    {"com.microsoft.ico", "ico"},
    {"com.microsoft.waveform-audio", "wav"},
    {"com.microsoft.windows-media-wmv", "wmv"},
    {"com.nikon.nrw-raw-image", "nrw"},
    {"com.nikon.raw-image", "nef"},
    {"com.olympus.or-raw-image", "orf"},
    {"com.olympus.raw-image", "orf"},
    {"com.olympus.sr-raw-image", "orf"},
    {"com.panasonic.raw-image", "raw"},
    {"com.panasonic.rw2-raw-image", "rw2"},
    {"com.pentax.raw-image", "pef"},
    {"com.phaseone.raw-image", "iiq"},
    {"com.samsung.raw-image", "srw"},
    {"com.sgi.sgi-image", "sgi"},
    {"com.sigma.x3f-raw-image", "x3f"},
    {"com.sony.arw-raw-image", "arw"},
    {"com.sony.axr-raw-image", "axr"},
    {"com.sony.raw-image", "srf"},
    {"com.sony.sr2-raw-image", "sr2"},
    {"com.truevision.tga-image", "tga"},
    {"org.matroska.mkv", "mkv"},
    {"org.webmproject.webm", "webm"},
    {"org.webmproject.webp", "webp"},
    {"public.3gpp", "3gp"},
    {"public.3gpp2", "3g2"},
    {"public.aifc-audio", "aifc"},
    {"public.aiff-audio", "aiff"},
    {"public.avchd-mpeg-2-transport-stream", "mts"},
    {"public.avci", "avci"},
    {"public.avi", "avi"},
    {"public.avif", "avif"},
    {"public.avis", "avifs"},
    {"public.heic", "heic"},
    {"public.heics", "heics"},
    {"public.heif", "heif"},
    {"public.image", "heic"},
    {"public.jpeg", "jpg"},
    {"public.jpeg-2000", "jp2"},
    {"public.jpeg-xl", "jxl"},
    {"public.movie", "mov"},
    {"public.mp3", "mp3"},
    {"public.mpeg", "mpg"},
    {"public.mpeg-2-transport-stream", "ts"},
    {"public.mpeg-2-video", "m2v"},
    {"public.mpeg-4", "mp4"},
    {"public.mpo-image", "mpo"},
    {"public.pbm", "pbm"},
    {"public.png", "png"},
    {"public.radiance", "hdr"},
    {"public.svg-image", "svg"},
    {"public.tiff", "tiff"},
    {"public.webp", "webp"},
    {"public.xml", "xml"},
};

static int
compare(const void *key, const void *entry)
{
	const struct uti *u = entry;

	return strcmp(key, u->name);
}

const char *
uti_extension(const char *uti)
{
	char key[64]; /* longer than any name of the table */
	const struct uti *found;
	size_t i;

	if (uti == NULL)
		return NULL;
	/* "_public.avchd-mpeg-2-transport-stream" was seen. */
	if (*uti == '_')
		uti++;
	for (i = 0; uti[i] != '\0'; i++) {
		if (i + 1 == sizeof(key))
			return NULL;
		key[i] =
		    (char)(uti[i] >= 'A' && uti[i] <= 'Z' ? uti[i] - 'A' + 'a'
							  : uti[i]);
	}
	key[i] = '\0';
	found = bsearch(key, table, sizeof(table) / sizeof(table[0]),
	    sizeof(table[0]), compare);
	return found != NULL ? found->extension : NULL;
}

/* Makers name theirs alike, those that are not in the table too. */
bool
uti_is_raw(const char *uti)
{
	static const char end[] = "raw-image";
	size_t n = uti != NULL ? strlen(uti) : 0, m = sizeof(end) - 1;

	return n >= m && strcasecmp(uti + n - m, end) == 0;
}

bool
uti_is_movie(const char *uti)
{
	static const char *const extensions[] = {"m4v", "mov", "wmv", "mkv",
	    "webm", "3gp", "3g2", "mts", "avi", "mpg", "ts", "m2v", "mp4"};
	const char *ext = uti_extension(uti);

	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (ext != NULL && strcmp(ext, extensions[i]) == 0)
			return true;
	return false;
}
