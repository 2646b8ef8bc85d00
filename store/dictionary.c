#include "store_p.h"

#include <stdlib.h>
#include <string.h>

/*
 * The numbered dictionaries with which records are deflated.  Records of one
 * library are alike in everything but their values, so the first of them is
 * as well deflated as the thousandth.  A dictionary that was released is never
 * changed: a number stands in each row.
 */

struct field {
	const char *name, *type;
};

/* Dictionary 1: the shapes of CPLMaster and CPLAsset, without any value. */
static const struct field master_1[] = {
    {"importedByBundleIdentifierEnc", "ENCRYPTED_BYTES"},
    {"importedByDisplayNameEnc", "ENCRYPTED_BYTES"},
    {"mediaMetaDataType", "STRING"},
    {"mediaMetaDataEnc", "ENCRYPTED_BYTES"},
    {"dateExpunged", "TIMESTAMP"},
    {"isDeleted", "INT64"},
    {"importDate", "TIMESTAMP"},
    {"originalCreationDate", "TIMESTAMP"},
    {"codec", "STRING"},
    {"resSidecarFileType", "STRING"},
    {"resSidecarRes", "ASSETID"},
    {"resOriginalAltFingerprint", "STRING"},
    {"resOriginalAltWidth", "INT64"},
    {"resOriginalAltHeight", "INT64"},
    {"resOriginalAltFileType", "STRING"},
    {"resOriginalAltRes", "ASSETID"},
    {"resOriginalVidComplFileType", "STRING"},
    {"resOriginalVidComplWidth", "INT64"},
    {"resOriginalVidComplHeight", "INT64"},
    {"resOriginalVidComplFingerprint", "STRING"},
    {"resOriginalVidComplRes", "ASSETID"},
    {"itemType", "STRING"},
    {"filenameEnc", "ENCRYPTED_BYTES"},
    {"originalOrientation", "INT64"},
    {"resOriginalWidth", "INT64"},
    {"dataClassType", "INT64"},
    {"resOriginalFingerprint", "STRING"},
    {"resOriginalHeight", "INT64"},
    {"resOriginalRes", "ASSETID"},
    {"resOriginalFileType", "STRING"},
};
static const struct field asset_1[] = {
    {"adjustmentSimpleDataEnc", "ENCRYPTED_BYTES"},
    {"adjustmentTimestampEnc", "ENCRYPTED_BYTES"},
    {"adjustmentCompoundVersion", "STRING"},
    {"adjustmentCreatorCode", "STRING"},
    {"adjustmentSourceType", "INT64"},
    {"adjustmentType", "STRING"},
    {"resVidFullFileType", "STRING"},
    {"resVidFullFingerprint", "STRING"},
    {"resVidFullWidth", "INT64"},
    {"resVidFullHeight", "INT64"},
    {"resVidFullRes", "ASSETID"},
    {"resJPEGFullWidth", "INT64"},
    {"resJPEGFullHeight", "INT64"},
    {"resJPEGFullFileType", "STRING"},
    {"resJPEGFullFingerprint", "STRING"},
    {"resJPEGFullRes", "ASSETID"},
    {"captionEnc", "ENCRYPTED_BYTES"},
    {"extendedDescEnc", "ENCRYPTED_BYTES"},
    {"keywordsEnc", "ENCRYPTED_BYTES"},
    {"burstId", "STRING"},
    {"burstFlagsExt", "INT64"},
    {"trashReason", "INT64"},
    {"isExpunged", "INT64"},
    {"isDeleted", "INT64"},
    {"dateExpunged", "TIMESTAMP"},
    {"mostRecentAddedDate", "TIMESTAMP"},
    {"originalChoice", "INT64"},
    {"timeZoneNameEnc", "ENCRYPTED_BYTES"},
    {"locationEnc", "ENCRYPTED_BYTES"},
    {"assetDate", "TIMESTAMP"},
    {"orientation", "INT64"},
    {"addedDate", "TIMESTAMP"},
    {"assetSubtypeV2", "INT64"},
    {"assetHDRType", "INT64"},
    {"timeZoneOffset", "INT64"},
    {"masterRef", "REFERENCE"},
    {"adjustmentRenderType", "INT64"},
    {"vidComplDispScale", "INT64"},
    {"isHidden", "INT64"},
    {"duration", "INT64"},
    {"burstFlags", "INT64"},
    {"assetSubtype", "INT64"},
    {"vidComplDurScale", "INT64"},
    {"vidComplDurValue", "INT64"},
    {"vidComplVisibilityState", "INT64"},
    {"customRenderedValue", "INT64"},
    {"isFavorite", "INT64"},
    {"vidComplDispValue", "INT64"},
};

/* How a server lays out a record; with blanks, or without. */
struct layout {
	const char *begin, *text, *number, *asset, *reference, *end;
};
static const struct layout loose_1 = {
    .begin = "{\n    \"recordName\" : \"A\",\n    \"recordType\" : \"%s\",\n"
	     "    \"fields\" : {\n",
    .text = "      \"%s\" : {\n        \"value\" : \"\",\n"
	    "        \"type\" : \"%s\"\n      },\n",
    .number = "      \"%s\" : {\n        \"value\" : 0,\n"
	      "        \"type\" : \"%s\"\n      },\n",
    .asset = "      \"%s\" : {\n        \"value\" : {\n"
	     "          \"fileChecksum\" : \"A\",\n          \"size\" : 1,\n"
	     "          \"wrappingKey\" : \"==\",\n"
	     "          \"referenceChecksum\" : \"A\",\n"
	     "          \"downloadURL\" : \"\"\n        },\n"
	     "        \"type\" : \"%s\"\n      },\n",
    .reference = "      \"%s\" : {\n        \"value\" : {\n"
		 "          \"recordName\" : \"A\",\n"
		 "          \"action\" : \"DELETE_SELF\",\n"
		 "          \"zoneID\" : {\n"
		 "            \"zoneName\" : \"PrimarySync\",\n"
		 "            \"ownerRecordName\" : \"_\",\n"
		 "            \"zoneType\" : \"REGULAR_CUSTOM_ZONE\"\n"
		 "          }\n        },\n        \"type\" : \"%s\"\n"
		 "      },\n",
    .end = "    },\n    \"pluginFields\" : { },\n"
	   "    \"recordChangeTag\" : \"\",\n    \"created\" : {\n"
	   "      \"timestamp\" : 1,\n      \"userRecordName\" : \"_\",\n"
	   "      \"deviceID\" : \"\"\n    },\n    \"modified\" : {\n"
	   "      \"timestamp\" : 1,\n      \"userRecordName\" : \"_\",\n"
	   "      \"deviceID\" : \"\"\n    },\n    \"deleted\" : false,\n"
	   "    \"zoneID\" : {\n      \"zoneName\" : \"PrimarySync\",\n"
	   "      \"ownerRecordName\" : \"_\",\n"
	   "      \"zoneType\" : \"REGULAR_CUSTOM_ZONE\"\n    }\n  }",
};
static const struct layout tight_1 = {
    .begin = "{\"recordName\":\"A\",\"recordType\":\"%s\",\"fields\":{",
    .text = "\"%s\":{\"value\":\"\",\"type\":\"%s\"},",
    .number = "\"%s\":{\"value\":0,\"type\":\"%s\"},",
    .asset = "\"%s\":{\"value\":{\"fileChecksum\":\"A\",\"size\":1,"
	     "\"wrappingKey\":\"==\",\"referenceChecksum\":\"A\","
	     "\"downloadURL\":\"\"},\"type\":\"%s\"},",
    .reference = "\"%s\":{\"value\":{\"recordName\":\"A\","
		 "\"action\":\"DELETE_SELF\","
		 "\"zoneID\":{\"zoneName\":\"PrimarySync\","
		 "\"ownerRecordName\":\"_\","
		 "\"zoneType\":\"REGULAR_CUSTOM_ZONE\"}},"
		 "\"type\":\"%s\"},",
    .end = "},\"pluginFields\":{},\"recordChangeTag\":\"\","
	   "\"created\":{\"timestamp\":1,\"userRecordName\":\"_\","
	   "\"deviceID\":\"\"},\"modified\":{\"timestamp\":1,"
	   "\"userRecordName\":\"_\",\"deviceID\":\"\"},"
	   "\"deleted\":false,\"zoneID\":{\"zoneName\":\"PrimarySync\","
	   "\"ownerRecordName\":\"_\","
	   "\"zoneType\":\"REGULAR_CUSTOM_ZONE\"}}",
};
static const char values_1[] =
    "public.heic public.jpeg public.png com.apple.quicktime-movie "
    "public.mpeg-4 com.adobe.raw-image com.apple.photo 1000000000 ";

/* Append a piece of a layout: '%s' stands for a, then for b. */
static void
piece(struct buf *out, const char *format, const char *a, const char *b)
{
	for (; *format != '\0'; format++) {
		int rc;

		if (format[0] == '%' && format[1] == 's') {
			rc = buf_adds(out, a);
			a = b;
			format++;
		} else
			rc = buf_addc(out, *format);
		if (rc == -1)
			abort(); /* far from the buffer's maximum */
	}
}

static void
record(struct buf *out, const struct layout *l, const char *type,
    const struct field *f, size_t n)
{
	size_t i;

	piece(out, l->begin, type, "");
	for (i = 0; i < n; i++) {
		const char *form = l->text;

		if (strcmp(f[i].type, "ASSETID") == 0)
			form = l->asset;
		else if (strcmp(f[i].type, "REFERENCE") == 0)
			form = l->reference;
		else if (strcmp(f[i].type, "INT64") == 0 ||
		    strcmp(f[i].type, "TIMESTAMP") == 0)
			form = l->number;
		piece(out, form, f[i].name, f[i].type);
	}
	piece(out, l->end, "", "");
}

void
dictionary(struct buf *out, int number)
{
	const size_t masters = sizeof(master_1) / sizeof(master_1[0]);
	const size_t assets = sizeof(asset_1) / sizeof(asset_1[0]);

	if (number != 1)
		return;
	/* What is nearest the end costs least. */
	piece(out, values_1, "", "");
	record(out, &tight_1, "CPLMaster", master_1, masters);
	record(out, &tight_1, "CPLAsset", asset_1, assets);
	record(out, &loose_1, "CPLMaster", master_1, masters);
	record(out, &loose_1, "CPLAsset", asset_1, assets);
}
