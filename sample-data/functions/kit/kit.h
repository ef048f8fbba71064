/* kit.h: what the C sample functions share: the payload, the log, the wait that a caller asks for, and as much JSON as
 * flat objects with texts and whole numbers need.
 */
#ifndef KIT_H
#define KIT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WAIT_MS = 60000, MAX_PAYLOAD = 1 << 20 };

/* Exit codes of all functions. */
enum { REFUSED = 1, UNREADABLE = 2 };

/* Waits as long as `wait_ms` in the query says, as if for a database: without using the CPU. */
static inline void wait_as_asked(void)
{
    static const char name[] = "wait_ms=";
    const char *query = getenv("QUERY_STRING");

    while (query && strncmp(query, name, sizeof name - 1) != 0)
        query = (query = strchr(query, '&')) ? query + 1 : NULL;
    long ms = query ? strtol(query + sizeof name - 1, NULL, 10) : 0;
    if (ms <= 0)
        return;
    if (ms > MAX_WAIT_MS)
        ms = MAX_WAIT_MS;
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Writes one JSON line to the log, at once so that it arrives whole. `fields` is a format that gives the rest of the
 * object, such as ",\"rows\":%d", or "". What does not fit 510 bytes is cut off.
 */
__attribute__((format(printf, 3, 4))) static inline void log_line(const char *level, const char *message,
                                                                  const char *fields, ...)
{
    char line[512];
    va_list values;
    int size = snprintf(line, sizeof line / 2, "{\"level\":\"%s\",\"msg\":\"%s\"", level, message);

    va_start(values, fields);
    size += vsnprintf(line + size, sizeof line - 2 - (size_t)size, fields, values);
    va_end(values);
    if (size > (int)sizeof line - 3)
        size = sizeof line - 3;
    memcpy(line + size, "}\n", 2);
    write(STDERR_FILENO, line, (size_t)size + 2);
}

/* The payload, with a zero behind it; NULL where it cannot be read or is longer than 1 MiB. */
static inline char *read_payload(void)
{
    static char payload[MAX_PAYLOAD + 2];
    size_t size = fread(payload, 1, MAX_PAYLOAD + 1, stdin);

    return size <= MAX_PAYLOAD && !ferror(stdin) ? payload : NULL;
}

/* One member of a JSON object. */
struct member {
    char name[32];
    char text[128];
    long long number;
    enum { TEXT, NUMBER } kind;
};

static inline const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r");
}

/* Reads a string that begins at `at` into `text`; gives what follows it, NULL where it is malformed or too long. Of the
 * escapes only those of one character are known.
 */
static inline const char *read_string(const char *at, char *text, size_t room)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        char c = *at;
        if (c == '\\') {
            const char *known = strchr("\"\"\\\\//t\tn ", *++at);
            if (!*at || !known)
                return NULL;
            c = known[1];
        } else if ((unsigned char)c < ' ') {
            return NULL;
        }
        if (--room == 0)
            return NULL;
        *text++ = c;
    }
    *text = 0;
    return at + 1;
}

/* How far a flat object is read. */
enum place { BEFORE, WITHIN, ENDED };

/* Reads the next member of a flat object from `at`; gives what follows it, NULL where the object is malformed. `place`
 * is BEFORE at the opening bracket, and ENDED once there was no member left.
 */
static inline const char *read_member(const char *at, struct member *member, enum place *place)
{
    int first = *place == BEFORE;

    at = skip_space(at);
    if (first && *at++ != '{')
        return NULL;
    at = skip_space(at);
    *place = *at == '}' ? ENDED : WITHIN;
    if (*place == ENDED)
        return at + 1;
    if (!first && *at++ != ',')
        return NULL;
    at = skip_space(at);
    at = read_string(at, member->name, sizeof member->name);
    if (!at || *(at = skip_space(at)) != ':')
        return NULL;
    at = skip_space(at + 1);
    member->kind = *at == '"' ? TEXT : NUMBER;
    if (member->kind == TEXT)
        return read_string(at, member->text, sizeof member->text);
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits > 15 || (digits > 1 && *at == '0'))
        return NULL;
    member->number = atoll(at);
    return at + digits;
}

/* Whether `payload` is one flat object; its number `name`, if it has one, goes to `value`. */
static inline int read_number(const char *payload, const char *name, long long *value)
{
    struct member member;
    enum place place = BEFORE;

    while ((payload = read_member(payload, &member, &place)) && place != ENDED)
        if (member.kind == NUMBER && strcmp(member.name, name) == 0)
            *value = member.number;
    return payload && payload[strspn(payload, " \t\r\n")] == 0;
}

#endif
