/*
 * One use of every call that tests/macos/include declares.  That this compiles
 * and links shows that the headers there and the stub libraries agree; it is
 * never run, and no part of the program.
 */

#include <CoreFoundation/CoreFoundation.h>
#include <IOKit/pwr_mgt/IOPMLib.h>
#include <Security/Security.h>
#include <sys/xattr.h>

static int
attributes(int fd)
{
	static const char path[] = "/", name[] = "x";
	char value[1];

	return setxattr(path, name, value, 1, 0, XATTR_NOFOLLOW) == 0 &&
	    fsetxattr(fd, name, value, 1, 0, XATTR_CREATE) == 0 &&
	    getxattr(path, name, value, 1, 0, XATTR_NOFOLLOW) == 1 &&
	    fgetxattr(fd, name, value, 1, 0, 0) == 1 &&
	    listxattr(path, value, 1, 0) == 1 &&
	    removexattr(path, name, XATTR_NOFOLLOW) == 0;
}

static int
key_store(void)
{
	static const uint8_t secret[] = {1};
	CFMutableDictionaryRef item = CFDictionaryCreateMutable(
	    kCFAllocatorDefault, 0, &kCFTypeDictionaryKeyCallBacks,
	    &kCFTypeDictionaryValueCallBacks);
	CFStringRef account = CFStringCreateWithCString(
	    kCFAllocatorDefault, "account", kCFStringEncodingUTF8);
	CFDataRef data = CFDataCreate(kCFAllocatorDefault, secret, 1);
	CFTypeRef found = NULL;
	OSStatus rc;

	CFDictionarySetValue(item, kSecClass, kSecClassGenericPassword);
	CFDictionarySetValue(item, kSecAttrService, CFSTR("service"));
	CFDictionarySetValue(item, kSecAttrAccount, account);
	CFDictionarySetValue(item, kSecAttrLabel, CFSTR("label"));
	CFDictionarySetValue(item, kSecValueData, data);
	CFDictionarySetValue(item, kSecReturnData, kCFBooleanTrue);
	CFDictionarySetValue(item, kSecMatchLimit, kSecMatchLimitOne);
	rc = SecItemAdd(item, NULL);
	if (rc == errSecDuplicateItem)
		rc = SecItemUpdate(item, item);
	if (rc == errSecSuccess &&
	    SecItemCopyMatching(item, &found) == errSecSuccess &&
	    CFDataGetLength(found) == 1 && CFDataGetBytePtr(found)[0] == 1)
		rc = SecItemDelete(item);
	else
		CFRelease(SecCopyErrorMessageString(rc, NULL));
	CFRelease(account);
	CFRelease(data);
	CFRelease(item);
	return rc == errSecSuccess && kCFBooleanFalse != NULL;
}

static int
awake(void)
{
	IOPMAssertionID id;

	return IOPMAssertionCreateWithName(
		   kIOPMAssertPreventUserIdleSystemSleep, kIOPMAssertionLevelOn,
		   CFSTR("name"), &id) == kIOReturnSuccess &&
	    IOPMAssertionRelease(id) == kIOReturnSuccess;
}

int
main(void)
{
	return attributes(0) && key_store() && awake() ? 0 : 1;
}
