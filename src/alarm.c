#include "alarm.h"

#include "err.h"
#include "store.h"
#include "text.h"

#define FEW  20
#define MANY 2000

bool
alarm_is_due(const struct store_losses *l)
{
	int64_t before = l->lost + l->left;

	if (l->lost < FEW)
		return false;
	return l->lost >= before / 5 + (before % 5 > 0) ||
	    (l->lost >= MANY && l->lost >= before / 20);
}

int
alarm_sound(const struct store_losses *l, struct err *e)
{
	char lost[32], before[32];

	return err_set(e, ERR_ALARM,
	    "If that was not you, somebody may have taken the account over: "
	    "go to https://iforgot.apple.com now.",
	    "%s of %s photos and videos were deleted in iCloud since the last "
	    "run. What is here stays here.",
	    text_count(lost, l->lost), text_count(before, l->lost + l->left));
}
