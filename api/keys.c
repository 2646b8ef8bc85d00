#include <stddef.h>

#include "body_p.h"
#include "photos.h"
#include "photos_p.h"

/*
 * [desired-keys]: fields that are not named are left out of the answer; names
 * that the server does not know are passed over.  Whoever adds a name raises
 * PHOTOS_KEYS_NUMBER, so that what is already listed is listed again.
 */
#define RESOURCE_KEYS(group)                                               \
	group "Res", group "FileType", group "Fingerprint", group "Width", \
	    group "Height"

static const char *const keys[] = {
    /* Every record, and CPLMaster. */
    "recordName",
    "recordType",
    "recordChangeTag",
    "masterRef",
    "itemType",
    "dataClassType",
    "codec",
    "filenameEnc",
    "originalOrientation",
    "originalCreationDate",
    "importDate",
    "mediaMetaDataEnc",
    "mediaMetaDataType",
    "importedByBundleIdentifierEnc",
    "importedByDisplayNameEnc",
    /* What holds the bytes. */
    RESOURCE_KEYS("resOriginal"),
    RESOURCE_KEYS("resOriginalAlt"),
    RESOURCE_KEYS("resOriginalVidCompl"),
    RESOURCE_KEYS("resSidecar"),
    RESOURCE_KEYS("resJPEGFull"),
    RESOURCE_KEYS("resVidFull"),
    /* CPLAsset. */
    "assetDate",
    "addedDate",
    "mostRecentAddedDate",
    "timeZoneOffset",
    "timeZoneNameEnc",
    "isFavorite",
    "isHidden",
    "isDeleted",
    "isExpunged",
    "dateExpunged",
    "trashReason",
    "orientation",
    "duration",
    "assetSubtype",
    "assetSubtypeV2",
    "assetHDRType",
    "customRenderedValue",
    "burstId",
    "burstFlags",
    "burstFlagsExt",
    "captionEnc",
    "extendedDescEnc",
    "keywordsEnc",
    "locationEnc",
    "locationV2Enc",
    "locationLatitude",
    "locationLongitude",
    "adjustmentType",
    "adjustmentRenderType",
    "adjustmentCreatorCode",
    "adjustmentCompoundVersion",
    "adjustmentSimpleDataEnc",
    "adjustmentTimestampEnc",
    "adjustmentSourceType",
    "adjustedMediaMetaDataEnc",
    "otherAdjustmentsFingerprint",
    "vidComplDurValue",
    "vidComplDurScale",
    "vidComplDispValue",
    "vidComplDispScale",
    "vidComplVisibilityState",
    "originalChoice",
    "remappedRef",
    "contributors",
    "deletedBy",
    "lastSharedDate",
    "shareCount",
    /* CPLAlbum and CPLContainerRelation. */
    "albumNameEnc",
    "albumType",
    "parentId",
    "position",
    "sortAscending",
    "sortType",
    "sortTypeExt",
    "queryParamsEnc",
    "recordModificationDate",
    "userModificationDate",
    "itemId",
    "containerId",
    "isKeyAsset",
    /* CPLLibraryInfo. */
    "photosCount",
    "videosCount",
    "hiddenPhotosCount",
    "hiddenVideosCount",
    "albumsCount",
    "irisCount",
    "othersCount",
    "audiosCount",
    "burstsExcludedFromPhotosCount",
    "v2PhotosCount",
    "v2VideosCount",
    "linkedShareZoneNameList",
    "linkedShareZoneOwnerList",
};

void
photos_keys_add(cJSON *body)
{
	cJSON *list = body_add(body, "desiredKeys", body_array());
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		body_append_text(list, keys[i]);
}
