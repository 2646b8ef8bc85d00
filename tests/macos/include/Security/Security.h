#ifndef _SECURITY_H_
#define _SECURITY_H_

/* What the macOS SDK has under this name, as far as it is needed here. */

#include <CoreFoundation/CoreFoundation.h>

typedef int32_t OSStatus;

enum {
	errSecSuccess = 0,
	errSecUserCanceled = -128,
	errSecAuthFailed = -25293,
	errSecDuplicateItem = -25299,
	errSecItemNotFound = -25300,
	errSecInteractionNotAllowed = -25308
};

extern const CFStringRef kSecClass, kSecClassGenericPassword;
extern const CFStringRef kSecAttrService, kSecAttrAccount, kSecAttrLabel;
extern const CFStringRef kSecValueData, kSecReturnData;
extern const CFStringRef kSecMatchLimit, kSecMatchLimitOne;

OSStatus SecItemAdd(CFDictionaryRef, CFTypeRef *);
OSStatus SecItemCopyMatching(CFDictionaryRef, CFTypeRef *);
OSStatus SecItemUpdate(CFDictionaryRef, CFDictionaryRef);
OSStatus SecItemDelete(CFDictionaryRef);
CFStringRef SecCopyErrorMessageString(OSStatus, void *);

#endif
