#include "test.h"

#include "asset.h"
#include "buf.h"
#include "json.h"
#include "record.h"

/* A record of this type with these fields (the inside of the object). */
static char *
make(struct record *r, const char *type, const char *name, const char *fields)
{
	char *text = xasprintf("{\"recordName\":\"%s\",\"recordType\":\"%s\","
			       "\"created\":{\"timestamp\":1600000000000},"
			       "\"fields\":{%s}}",
	    name, type, fields);
	struct json_span span;

	assert_int_equal(json_span_all(&span, text, strlen(text), NULL), 0);
	assert_int_equal(record_read(r, span, NULL), 0);
	return text;
}

#define RES(checksum, size)                                          \
	"{\"value\":{\"fileChecksum\":" checksum ",\"size\":" size   \
	",\"downloadURL\":\"https://cvws.icloud-content.com/B/x\"}," \
	"\"type\":\"ASSETID\"}"
#define SUM_A "\"AW2cWT2PxzWixMKuuNMTHJ8CJ3sH\""
#define SUM_B "\"AYnnoj1r4lMYTs3JP/g7mjGaDCgO\""

static void
masters(void **state)
{
	struct record r;
	struct master m;
	char *text;

	(void)state;
	text = make(&r, "CPLMaster", "AQ+/m",
	    "\"filenameEnc\":{\"value\":\"SU1HXzEuQ1Iy\","
	    "\"type\":\"ENCRYPTED_BYTES\"},"
	    "\"itemType\":{\"value\":\"com.canon.cr2-raw-image\"},"
	    "\"originalCreationDate\":{\"value\":-1},"
	    "\"resOriginalRes\":" RES(SUM_A,
		"12") ","
		      "\"resOriginalFileType\":{\"value\":\"com.canon.cr2-raw-"
		      "image\"},"
		      "\"resOriginalAltRes\":" RES(SUM_B,
			  "3") ","
			       "\"resOriginalAltFileType\":{\"value\":\"public."
			       "jpeg\"},"
			       "\"resOriginalVidComplRes\":" RES(SUM_B,
				   "4") ","
					"\"resSidecarRes\":" RES(SUM_A,
					    "0") ","
						 /* Of a master, not what is kept. */
						 "\"resJPEGFullRes\":" RES(
						     SUM_A,
						     "1") ","
							  "\"resVidFullRes\""
							  ":" RES(SUM_A, "1"));
	master_read(&m, &r);
	assert_string_equal(m.name, "AQ+/m");
	assert_string_equal(m.filename, "IMG_1.CR2");
	assert_string_equal(m.item_type, "com.canon.cr2-raw-image");
	assert_true(m.has_created);
	assert_int_equal(m.created_ms, -1);
	assert_true(m.res[RESOURCE_ORIGINAL].present);
	assert_int_equal(m.res[RESOURCE_ORIGINAL].size_bytes, 12);
	assert_int_equal(m.res[RESOURCE_ORIGINAL].checksum.len, 21);
	assert_string_equal(
	    m.res[RESOURCE_ORIGINAL].uti, "com.canon.cr2-raw-image");
	assert_string_equal(m.res[RESOURCE_ORIGINAL].url,
	    "https://cvws.icloud-content.com/B/x");
	assert_true(m.res[RESOURCE_ALTERNATIVE].present);
	assert_string_equal(m.res[RESOURCE_ALTERNATIVE].uti, "public.jpeg");
	assert_true(m.res[RESOURCE_LIVE].present);
	assert_int_equal(m.res[RESOURCE_LIVE].size_bytes, 4);
	assert_true(m.res[RESOURCE_SIDECAR].present);
	assert_int_equal(m.res[RESOURCE_SIDECAR].size_bytes, 0);
	assert_false(m.res[RESOURCE_EDITED].present);
	assert_false(m.res[RESOURCE_EDITED].mentioned);
	assert_false(m.res[RESOURCE_EDITED_VIDEO].present);
	master_clear(&m);
	master_clear(&m);
	record_clear(&r);
	free(text);

	/* B014, B053: nothing in it is a value, too. */
	text = make(&r, "CPLMaster", "A", "");
	master_read(&m, &r);
	assert_null(m.filename);
	assert_null(m.item_type);
	assert_false(m.has_created);
	assert_false(m.res[RESOURCE_ORIGINAL].present);
	assert_false(m.res[RESOURCE_ORIGINAL].mentioned);
	assert_int_equal(m.res[RESOURCE_ORIGINAL].size_bytes, -1);
	master_clear(&m);
	record_clear(&r);
	free(text);
}

/* [resources] */
static void
presence(void **state)
{
	static const struct {
		const char *fields;
		bool present, mentioned;
		size_t len;
		int64_t size;
	} cases[] = {
	    {"\"resOriginalRes\":" RES(SUM_A, "5"), true, true, 21, 5},
	    {"\"resOriginalRes\":" RES(SUM_A, "\"5\""), true, true, 21, 5},
	    {"\"resOriginalRes\":" RES(SUM_A, "-5"), true, true, 21, -1},
	    {"\"resOriginalRes\":" RES(SUM_A, "null"), true, true, 21, -1},
	    {"\"resOriginalRes\":" RES(SUM_A, "1.5"), true, true, 21, -1},
	    {"\"resOriginalRes\":" RES(SUM_A, "1e300"), true, true, 21, -1},
	    /* The fingerprint stands in, only for one that is missing. */
	    {"\"resOriginalRes\":" RES("null",
		 "5") ","
		      "\"resOriginalFingerprint\":{\"value\":" SUM_B "}",
		true, true, 21, 5},
	    {"\"resOriginalRes\":" RES("\"\"",
		 "5") ","
		      "\"resOriginalFingerprint\":{\"value\":" SUM_B "}",
		true, true, 21, 5},
	    {"\"resOriginalRes\":" RES("\"***\"",
		 "5") ","
		      "\"resOriginalFingerprint\":{\"value\":" SUM_B "}",
		false, true, 0, 5},
	    {"\"resOriginalRes\":" RES("null", "5"), false, true, 0, 5},
	    /* B070: half a group is none. */
	    {"\"resOriginalFingerprint\":{\"value\":" SUM_B "}", false, true, 0,
		-1},
	    {"\"resOriginalWidth\":{\"value\":7}", false, true, 0, -1},
	    {"\"resOriginalFileType\":{\"value\":\"public.jpeg\"}", false, true,
		0, -1},
	    {"\"resOriginalRes\":{\"value\":null},"
	     "\"resOriginalWidth\":{\"type\":\"INT64\"}",
		false, false, 0, -1},
	    {"\"resOriginalRes\":{\"value\":\"x\"}", false, true, 0, -1},
	    {"\"resOriginalRes\":{\"value\":[]}", false, true, 0, -1},
	    {"\"resOriginalRes\":null", false, false, 0, -1},
	    {"\"resJPEGMedRes\":" RES(SUM_A, "5"), false, false, 0, -1},
	    /* Another group whose name begins alike. */
	    {"\"resOriginalAltRes\":" RES(SUM_A, "5"), false, false, 0, -1},
	};
	struct record r;
	struct master m;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct resource *o = &m.res[RESOURCE_ORIGINAL];

		text = make(&r, "CPLMaster", "A", cases[i].fields);
		master_read(&m, &r);
		if (o->present != cases[i].present ||
		    o->mentioned != cases[i].mentioned)
			fail_msg("%s", cases[i].fields);
		assert_int_equal(o->checksum.len, cases[i].len);
		assert_int_equal(o->size_bytes, cases[i].size);
		master_clear(&m);
		record_clear(&r);
		free(text);
	}
}

static void
item_types(void **state)
{
	struct record r;
	struct master m;
	char *text;

	(void)state;
	text = make(&r, "CPLMaster", "A",
	    "\"itemType\":{\"BADvalue\":\"public.png\"},"
	    "\"resOriginalFileType\":{\"value\":\"public.jpeg\"}");
	master_read(&m, &r);
	assert_string_equal(m.item_type, "public.jpeg");
	master_clear(&m);
	record_clear(&r);
	free(text);
}

static void
assets(void **state)
{
	struct record r;
	struct asset a;
	char *text;

	(void)state;
	text = make(&r, "CPLAsset", "A1",
	    "\"masterRef\":{\"value\":{\"recordName\":\"M1\"}},"
	    "\"assetDate\":{\"value\":9223372036854775807},"
	    "\"addedDate\":{\"value\":1700000001000},"
	    "\"timeZoneOffset\":{\"value\":-25200},"
	    "\"dateExpunged\":{\"value\":1702592000000},"
	    "\"isHidden\":{\"value\":1},\"isDeleted\":{\"value\":1},"
	    "\"isFavorite\":{\"value\":true},\"isExpunged\":{\"value\":0},"
	    "\"burstId\":{\"value\":\"B\"},"
	    "\"captionEnc\":{\"value\":\"VGl0bGU=\"},"
	    "\"extendedDescEnc\":{\"value\":\"V29yZHM=\"},"
	    "\"duration\":{\"value\":789582},"
	    "\"resOriginalRes\":" RES(SUM_A,
		"1") ","
		     "\"resSidecarRes\":" RES(SUM_A,
			 "2") ","
			      "\"resJPEGFullRes\":" RES(SUM_A,
				  "3") ","
				       "\"resVidFullRes\":" RES(SUM_B, "4"));
	asset_read(&a, &r);
	assert_string_equal(a.name, "A1");
	assert_string_equal(a.master, "M1");
	assert_true(a.has_taken && a.taken_ms == INT64_MAX); /* B058 */
	assert_true(a.has_added && a.added_ms == 1700000001000);
	assert_false(a.added_by_record);
	assert_true(a.has_offset && a.offset_s == -25200);
	assert_true(a.has_expunged && a.expunged_ms == 1702592000000);
	assert_true(a.hidden && a.trashed && a.favourite && !a.expunged);
	assert_string_equal(a.burst, "B");
	assert_string_equal(a.title, "Title");
	assert_string_equal(a.caption, "Words");
	assert_int_equal(a.duration_ms, 789582);
	assert_false(a.res[RESOURCE_ORIGINAL].present);
	assert_true(a.res[RESOURCE_SIDECAR].present);
	assert_true(a.res[RESOURCE_EDITED].present);
	assert_true(a.res[RESOURCE_EDITED_VIDEO].present);
	assert_int_equal(a.res[RESOURCE_EDITED_VIDEO].size_bytes, 4);
	asset_clear(&a);
	asset_clear(&a);
	record_clear(&r);
	free(text);

	/* Absent, null and odd values are all the same. */
	text = make(&r, "CPLAsset", "A1",
	    "\"masterRef\":{\"value\":\"M1\"},"
	    "\"assetDate\":{\"value\":\"soon\"},"
	    "\"timeZoneOffset\":{\"value\":9007199254740993},"
	    "\"dateExpunged\":{\"value\":null},"
	    "\"isDeleted\":{\"value\":null},\"isHidden\":{\"value\":false},"
	    "\"duration\":{\"value\":-3},\"captionEnc\":{\"value\":\"\"}");
	asset_read(&a, &r);
	assert_null(a.master);
	assert_false(a.has_taken);
	assert_true(a.has_added && a.added_ms == 1600000000000);
	assert_true(a.added_by_record);
	assert_false(a.has_offset);
	assert_false(a.has_expunged);
	assert_false(a.hidden || a.trashed || a.favourite || a.expunged);
	assert_null(a.burst);
	assert_null(a.title);
	assert_null(a.caption);
	assert_int_equal(a.duration_ms, 0);
	asset_clear(&a);
	record_clear(&r);
	free(text);
}

static void
albums(void **state)
{
	struct record r;
	struct album a;
	char *text;

	(void)state;
	text = make(&r, "CPLAlbum", "L1",
	    "\"albumNameEnc\":{\"value\":\"SG9saWRheXM=\"},"
	    "\"albumType\":{\"value\":0},\"position\":{\"value\":1024},"
	    "\"parentId\":{\"value\":\"F1\"},\"isDeleted\":{\"value\":1}");
	album_read(&a, &r);
	assert_string_equal(a.name, "L1");
	assert_string_equal(a.title, "Holidays");
	assert_string_equal(a.parent, "F1");
	assert_int_equal(a.type, 0);
	assert_int_equal(a.position, 1024);
	assert_true(a.trashed);
	album_clear(&a);
	record_clear(&r);
	free(text);

	text = make(&r, "CPLAlbum", "----Root-Folder----",
	    "\"parentId\":{\"value\":\"----Root-Folder----\"}");
	album_read(&a, &r);
	assert_null(a.title);
	assert_null(a.parent);
	assert_int_equal(a.type, -1);
	assert_int_equal(a.position, 0);
	assert_false(a.trashed);
	album_clear(&a);
	record_clear(&r);
	free(text);
}

static void
relations(void **state)
{
	struct record r;
	struct relation rel;
	char *text;

	(void)state;
	text = make(&r, "CPLContainerRelation", "X-IN-Y",
	    "\"itemId\":{\"value\":\"A1\"},"
	    "\"containerId\":{\"value\":\"L1\"},\"position\":{\"value\":-7}");
	relation_read(&rel, &r);
	assert_string_equal(rel.name, "X-IN-Y");
	assert_string_equal(rel.asset, "A1");
	assert_string_equal(rel.album, "L1");
	assert_int_equal(rel.position, -7);
	assert_false(rel.trashed);
	relation_clear(&rel);
	record_clear(&r);
	free(text);

	/* [tombstone]: the name is all there is; the last "-IN-" divides. */
	text = make(&r, "", "A-IN-B-IN-L", "");
	relation_read(&rel, &r);
	assert_string_equal(rel.asset, "A-IN-B");
	assert_string_equal(rel.album, "L");
	relation_clear(&rel);
	record_clear(&r);
	free(text);

	text = make(&r, "", "-IN-", "");
	relation_read(&rel, &r);
	assert_null(rel.asset);
	assert_null(rel.album);
	relation_clear(&rel);
	record_clear(&r);
	free(text);

	text = make(&r, "", "GHI789", "");
	relation_read(&rel, &r);
	assert_null(rel.asset);
	assert_null(rel.album);
	relation_clear(&rel);
	record_clear(&r);
	free(text);
}

static void
infos(void **state)
{
	struct record r;
	struct library_info info;
	char *text;

	(void)state;
	text = make(&r, "CPLLibraryInfo", "PrimarySync-0000-LI",
	    "\"photosCount\":{\"value\":7300},\"videosCount\":{\"value\":0},"
	    "\"hiddenPhotosCount\":{\"value\":-2},"
	    "\"albumsCount\":{\"value\":\"x\"}");
	library_info_read(&info, &r);
	assert_int_equal(info.photos, 7300);
	assert_int_equal(info.videos, 0);
	assert_int_equal(info.hidden_photos, -1);
	assert_int_equal(info.hidden_videos, -1);
	assert_int_equal(info.albums, -1);
	assert_int_equal(info.others, -1);
	record_clear(&r);
	free(text);
}

/* [uti] */
static void
types(void **state)
{
	static const struct {
		const char *uti, *extension;
	} cases[] = {
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
	    {"PUBLIC.JPEG", "jpg"},
	    {"_public.avchd-mpeg-2-transport-stream", "mts"},
	    {"__public.jpeg", NULL},
	    {"public.item", NULL},
	    {"public.data", NULL},
	    {"public.content", NULL},
	    {"dyn.ah62d4rv4ge80g5a", NULL},
	    {"com.example.future", NULL},
	    {"public.jpe", NULL},
	    {"", NULL},
	    {"_", NULL},
	    {NULL, NULL},
	    {"com.apple.photos.apple-adjustment-envelope-that-is-longer-than-"
	     "any-name",
		NULL},
	};
	const char *found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		found = uti_extension(cases[i].uti);
		if (cases[i].extension == NULL) {
			assert_null(found);
			continue;
		}
		assert_non_null(found);
		assert_string_equal(found, cases[i].extension);
	}
}

static void
kinds_of_types(void **state)
{
	static const struct {
		const char *uti;
		bool raw, movie;
	} cases[] = {
	    {"com.adobe.raw-image", true, false},
	    {"com.canon.tif-raw-image", true, false},
	    {"com.maker.of-tomorrow.RAW-Image", true, false},
	    {"raw-image.com", false, false},
	    {"com.apple.quicktime-movie", false, true},
	    {"PUBLIC.MPEG-4", false, true},
	    {"_public.avchd-mpeg-2-transport-stream", false, true},
	    {"public.3gpp2", false, true},
	    {"public.heics", false, false},
	    {"com.compuserve.gif", false, false},
	    {"public.mp3", false, false},
	    {"com.apple.m4a-audio", false, false},
	    {"com.apple.photos.apple-adjustment-envelope", false, false},
	    {"com.maker.of-tomorrow", false, false},
	    {"", false, false},
	    {NULL, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(uti_is_raw(cases[i].uti), cases[i].raw);
		assert_int_equal(uti_is_movie(cases[i].uti), cases[i].movie);
	}
}

static void
names_of_roles(void **state)
{
	(void)state;
	assert_string_equal(resource_role_name(RESOURCE_ORIGINAL), "original");
	assert_string_equal(resource_role_name(RESOURCE_LIVE), "live");
	assert_string_equal(
	    resource_role_name(RESOURCE_ALTERNATIVE), "alternative");
	assert_string_equal(resource_role_name(RESOURCE_SIDECAR), "sidecar");
	assert_string_equal(resource_role_name(RESOURCE_EDITED), "edited");
	assert_string_equal(
	    resource_role_name(RESOURCE_EDITED_VIDEO), "edited-video");
}

/* What is no zone on Earth is none, whatever its type. */
static void
offsets_are_of_this_earth(void **state)
{
	static const struct {
		const char *value;
		bool has;
		int64_t offset_s;
	} table[] = {
	    {"0", true, 0},
	    {"39600", true, 39600}, /* B062 */
	    {"50400", true, 50400},
	    {"-50400", true, -50400},
	    {"20700", true, 20700}, /* Nepal */
	    {"50401", false, 0},
	    {"-50401", false, 0},
	    {"86400000", false, 0},
	    {"-9223372036854775808", false, 0},
	    {"9223372036854775807", false, 0},
	    {"1e300", false, 0},
	    {"\"east\"", false, 0},
	    {"null", false, 0},
	    {"{}", false, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char fields[128];
		struct record r;
		struct asset a;
		char *text;

		snprintf(fields, sizeof(fields),
		    "\"timeZoneOffset\":{\"value\":%s}", table[i].value);
		text = make(&r, "CPLAsset", "A1", fields);
		asset_read(&a, &r);
		if (a.has_offset != table[i].has ||
		    a.offset_s != table[i].offset_s)
			fail_msg("%s", table[i].value);
		asset_clear(&a);
		record_clear(&r);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(masters),
	    cmocka_unit_test(presence),
	    cmocka_unit_test(item_types),
	    cmocka_unit_test(assets),
	    cmocka_unit_test(albums),
	    cmocka_unit_test(relations),
	    cmocka_unit_test(infos),
	    cmocka_unit_test(types),
	    cmocka_unit_test(kinds_of_types),
	    cmocka_unit_test(names_of_roles),
	    cmocka_unit_test(offsets_are_of_this_earth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
