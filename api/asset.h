#ifndef ASSET_H
#define ASSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checksum.h"

struct record;

/*
 * A photo or video: a CPLAsset (what the person sees) and the CPLMaster it
 * refers to (the bytes).  One master may serve several assets [asset-master].
 * Each *_read() takes a record of its type, copies what it needs and never
 * fails; the caller ends with *_clear().
 */
enum resource_role {
	RESOURCE_ORIGINAL = 0,	/* resOriginal, on the master */
	RESOURCE_LIVE,		/* resOriginalVidCompl: the Live Photo's movie */
	RESOURCE_ALTERNATIVE,	/* resOriginalAlt: other half of RAW + JPEG */
	RESOURCE_SIDECAR,	/* resSidecar */
	RESOURCE_EDITED,	/* resJPEGFull on the asset: rendering of an edit */
	RESOURCE_EDITED_VIDEO,	/* resVidFull on the asset */
};
#define RESOURCE_COUNT 6

/* "original", "live", "alternative", "sidecar", "edited", "edited-video" */
const char *resource_role_name(enum resource_role);

struct resource {
	bool		 present;  /* the group's ...Res has a usable checksum */
	bool		 mentioned; /* something of the group is there */
	struct checksum	 checksum; /* fileChecksum */
	int64_t		 size_bytes; /* as stated; -1 if not */
	char		*uti;	   /* ...FileType; NULL if absent */
	char		*url;	   /* secret: signed, expires; NULL if absent.
				      Never log, never store [download-link] */
};
void	resource_clear(struct resource *);

struct master {
	char		*name;	/* recordName */
	char		*filename; /* decoded, UTF-8, as given; NULL if none */
	char		*item_type; /* itemType or, without it, the original's */
	int64_t		 created_ms; /* originalCreationDate */
	bool		 has_created;
	struct resource	 res[RESOURCE_COUNT];
};
void	master_read(struct master *out, const struct record *);
void	master_clear(struct master *);

struct asset {
	char	*name;		/* recordName */
	char	*master;	/* masterRef; NULL if absent */
	bool	 has_taken, has_added, has_offset, has_expunged;
	int64_t	 taken_ms;	/* assetDate */
	int64_t	 added_ms;	/* addedDate, else record created: */
	bool	 added_by_record;
	int64_t	 offset_s;	/* timeZoneOffset, east of UTC */
	int64_t	 expunged_ms;	/* dateExpunged: leaves the trash then */
	bool	 hidden, trashed, favourite, expunged;
	char	*burst;		/* burstId; NULL */
	char	*title, *caption; /* captionEnc, extendedDescEnc; NULL */
	int64_t	 duration_ms;	/* 0 for a still */
	struct resource res[RESOURCE_COUNT];
};
void	asset_read(struct asset *out, const struct record *);
void	asset_clear(struct asset *);

struct album {
	char	*name;		/* recordName */
	char	*title;		/* decoded; NULL if none (root folders) */
	char	*parent;	/* record name of the folder; NULL: top */
	int64_t	 type;		/* 0 album, 3 folder, 6 smart; -1 unknown */
	int64_t	 position;
	bool	 trashed;
};
void	album_read(struct album *out, const struct record *);
void	album_clear(struct album *);

/* Membership of an asset in an album. */
struct relation {
	char	*name, *asset, *album; /* record names; NULL if unknown */
	int64_t	 position;
	bool	 trashed;
};
void	relation_read(struct relation *out, const struct record *);
void	relation_clear(struct relation *);

/* Totals that Apple keeps for each zone [library-info]; -1 if not stated. */
struct library_info {
	int64_t	photos, videos, hidden_photos, hidden_videos, albums, others;
};
void	library_info_read(struct library_info *out, const struct record *);

/* The file name extension for a UTI, lower case, without dot; NULL if the
 * type is unknown [uti]. */
const char *uti_extension(const char *uti);
/* Is it a camera's own format; is it a movie?  NULL is neither. */
bool	uti_is_raw(const char *uti);
bool	uti_is_movie(const char *uti);

#endif
