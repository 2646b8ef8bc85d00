#ifndef _IOKIT_PWR_MGT_IOPMLIB_H_
#define _IOKIT_PWR_MGT_IOPMLIB_H_

/* What the macOS SDK has under this name, as far as it is needed here. */

#include <CoreFoundation/CoreFoundation.h>

typedef int IOReturn;
typedef uint32_t IOPMAssertionID, IOPMAssertionLevel;

enum { kIOReturnSuccess = 0, kIOPMAssertionLevelOn = 255 };

#define kIOPMAssertPreventUserIdleSystemSleep CFSTR("PreventUserIdleSystemSleep")

IOReturn IOPMAssertionCreateWithName(
    CFStringRef, IOPMAssertionLevel, CFStringRef, IOPMAssertionID *);
IOReturn IOPMAssertionRelease(IOPMAssertionID);

#endif
