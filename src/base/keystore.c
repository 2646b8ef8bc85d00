#include "keystore.h"

#include <string.h>

#include "buf.h"
#include "err.h"

/*
 * Which store there is, is a choice of the build (Makefile).
 */

#define SERVICE "icloud-pull"

#if defined(KEYSTORE_KEYCHAIN)

#include <Security/Security.h>

const char *
keystore_name(void)
{
	return "the Keychain";
}

static CFStringRef
text(const char *s)
{
	return CFStringCreateWithCString(
	    kCFAllocatorDefault, s, kCFStringEncodingUTF8);
}

/* What an item is found by; the caller releases. */
static CFMutableDictionaryRef
query(CFStringRef service, CFStringRef account)
{
	CFMutableDictionaryRef q = CFDictionaryCreateMutable(
	    kCFAllocatorDefault, 0, &kCFTypeDictionaryKeyCallBacks,
	    &kCFTypeDictionaryValueCallBacks);

	if (q == NULL)
		return NULL;
	CFDictionarySetValue(q, kSecClass, kSecClassGenericPassword);
	CFDictionarySetValue(q, kSecAttrService, service);
	CFDictionarySetValue(q, kSecAttrAccount, account);
	return q;
}

static int
fail(OSStatus status, struct err *e)
{
	if (status == errSecInteractionNotAllowed)
		return err_set(e, ERR_PASSWORD,
		    "Log in at the Mac, or run: security unlock-keychain",
		    "The Keychain is locked, and nobody is there to open it.");
	return err_set(e, ERR_PASSWORD,
	    "Run icloud-pull login on the Mac itself.",
	    "The Keychain gave an error (%d).", (int)status);
}

enum action { GET, PUT, DROP };

static OSStatus
act(enum action action, CFMutableDictionaryRef q, CFDataRef secret,
    CFTypeRef *found)
{
	CFMutableDictionaryRef change;
	OSStatus status;

	switch (action) {
	case GET:
		CFDictionarySetValue(q, kSecReturnData, kCFBooleanTrue);
		CFDictionarySetValue(q, kSecMatchLimit, kSecMatchLimitOne);
		return SecItemCopyMatching(q, found);
	case DROP:
		return SecItemDelete(q);
	case PUT:
		break;
	}
	change = CFDictionaryCreateMutable(kCFAllocatorDefault, 0,
	    &kCFTypeDictionaryKeyCallBacks, &kCFTypeDictionaryValueCallBacks);
	if (change == NULL)
		return errSecAuthFailed;
	CFDictionarySetValue(change, kSecValueData, secret);
	status = SecItemUpdate(q, change);
	CFRelease(change);
	if (status != errSecItemNotFound)
		return status;
	CFDictionarySetValue(q, kSecAttrLabel, CFSTR(SERVICE));
	CFDictionarySetValue(q, kSecValueData, secret);
	return SecItemAdd(q, NULL);
}

static int
run(enum action action, const char *account, const char *secret, char **out,
    struct err *e)
{
	CFStringRef service = text(SERVICE), name = text(account);
	CFMutableDictionaryRef q = NULL;
	CFDataRef data = NULL;
	CFTypeRef found = NULL;
	OSStatus status = errSecAuthFailed;

	if (service != NULL && name != NULL)
		q = query(service, name);
	if (secret != NULL)
		data = CFDataCreate(kCFAllocatorDefault,
		    (const uint8_t *)secret, (CFIndex)strlen(secret));
	if (q != NULL && (secret == NULL || data != NULL))
		status = act(action, q, data, &found);
	if (status == errSecSuccess && found != NULL)
		*out = xstrndup((const char *)CFDataGetBytePtr(found),
		    (size_t)CFDataGetLength(found));
	if (found != NULL)
		CFRelease(found);
	if (data != NULL)
		CFRelease(data);
	if (q != NULL)
		CFRelease(q);
	if (name != NULL)
		CFRelease(name);
	if (service != NULL)
		CFRelease(service);
	return status == errSecSuccess     ? 0
	    : status == errSecItemNotFound ? 1
					   : fail(status, e);
}

int
keystore_get(char **out, const char *account, struct err *e)
{
	*out = NULL;
	return run(GET, account, NULL, out, e);
}

int
keystore_put(const char *account, const char *secret, struct err *e)
{
	return run(PUT, account, secret, NULL, e) == 0 ? 0 : -1;
}

int
keystore_drop(const char *account, struct err *e)
{
	return run(DROP, account, NULL, NULL, e);
}

#elif defined(KEYSTORE_LIBSECRET)

#include <libsecret/secret.h>

const char *
keystore_name(void)
{
	return "the key ring";
}

static const SecretSchema *
schema(void)
{
	static const SecretSchema the_schema = {"org.icloud-pull.password",
	    SECRET_SCHEMA_NONE,
	    {{"account", SECRET_SCHEMA_ATTRIBUTE_STRING},
		{NULL, SECRET_SCHEMA_ATTRIBUTE_STRING}},
	    0, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

	return &the_schema;
}

static int
fail(GError *error, struct err *e)
{
	err_set(e, ERR_PASSWORD,
	    "A key ring needs a desktop session (D-Bus); without one use "
	    "--password-command.",
	    "The key ring cannot be used: %s.", error->message);
	g_error_free(error);
	return -1;
}

int
keystore_get(char **out, const char *account, struct err *e)
{
	GError *error = NULL;
	gchar *secret = secret_password_lookup_sync(
	    schema(), NULL, &error, "account", account, NULL);

	*out = NULL;
	if (error != NULL)
		return fail(error, e);
	if (secret == NULL)
		return 1;
	*out = xstrdup(secret);
	secret_password_free(secret);
	return 0;
}

int
keystore_put(const char *account, const char *secret, struct err *e)
{
	GError *error = NULL;

	(void)secret_password_store_sync(schema(), SECRET_COLLECTION_DEFAULT,
	    SERVICE, secret, NULL, &error, "account", account, NULL);
	return error != NULL ? fail(error, e) : 0;
}

int
keystore_drop(const char *account, struct err *e)
{
	GError *error = NULL;
	gboolean was_there = secret_password_clear_sync(
	    schema(), NULL, &error, "account", account, NULL);

	if (error != NULL)
		return fail(error, e);
	return was_there ? 0 : 1;
}

#else

const char *
keystore_name(void)
{
	return NULL;
}

int
keystore_get(char **out, const char *account, struct err *e)
{
	(void)account;
	(void)e;
	*out = NULL;
	return 1;
}

int
keystore_put(const char *account, const char *secret, struct err *e)
{
	(void)account;
	(void)secret;
	return err_set(e, ERR_USAGE,
	    "Use --password-command with a store of your own.",
	    "This icloud-pull was built without a key store, and keeps no "
	    "password in a file.");
}

int
keystore_drop(const char *account, struct err *e)
{
	(void)account;
	(void)e;
	return 1;
}

#endif
