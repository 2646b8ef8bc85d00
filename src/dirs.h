#ifndef DIRS_H
#define DIRS_H

/*
 * Where things lie that belong to the person and not to a copy
 * (docs/design.md, "On disk").  From HOME and the XDG variables; all absolute.
 * The caller frees; NULL if there is no home at all.
 */
char *dirs_state(void);       /* STATE */
char *dirs_config_file(void); /* CONFIG/config */
/* STATE/accounts/NAME, with a name that is safe as one component. */
char *dirs_account(const char *state, const char *account);

#endif
