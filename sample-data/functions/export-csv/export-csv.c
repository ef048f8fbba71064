/* export-csv: writes orders as CSV (RFC 4180). WASI preview 1 command in C, with a large reply: about 64 bytes a row.
 *
 * Payload: {"rows":20000,"from":1}: how many orders, at most a million, and the number of the first (1 if left out).
 * The orders are made up from their numbers. Reply: a header and so many rows. 20,000 of them are 1.3 MB, and 400,000
 * are more than a reply may have. A payload without rows is an error: exit code 1.
 * `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.
 */
#include <stdint.h>

#include "../kit/kit.h"

enum { MAX_ROWS = 1000000, SKUS = 6 };

static const struct {
    const char *sku, *name;
    int cents;
} articles[SKUS] = {
    {"MUG-BLUE", "Mug, blue", 1290}, {"TEA-GREEN", "Green tea", 650}, {"HONEY-JAR", "Honey \"Linden\"", 890},
    {"SPOON-SET", "Six spoons", 2450}, {"TEAPOT", "Teapot", 5900},    {"TRAY-OAK", "Tray, oak", 4200},
};

/* Prints a field, in quotes where it needs them. */
static void put_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

/* A number that looks like chance, and is the same for each order each time. */
static uint32_t mixed(uint32_t number)
{
    number = (number ^ number >> 16) * 0x45d9f3bu;
    number = (number ^ number >> 16) * 0x45d9f3bu;
    return number ^ number >> 16;
}

static void put_order(long long number)
{
    uint32_t chance = mixed((uint32_t)number);
    int article = (int)(chance % SKUS), quantity = 1 + (int)(chance >> 8) % 4;
    int cents = quantity * articles[article].cents;

    printf("A-%07lld,2025-%02u-%02u,C-%05u,%s,", number, 1 + (chance >> 12) % 12, 1 + (chance >> 16) % 28,
           (chance >> 4) % 100000, articles[article].sku);
    put_field(articles[article].name);
    printf(",%d,%d.%02d,%d.%02d\r\n", quantity, articles[article].cents / 100, articles[article].cents % 100,
           cents / 100, cents % 100);
}

int main(void)
{
    static char buffer[65536];
    long long rows = 0, from = 1;
    const char *payload = read_payload();

    if (!payload || !read_number(payload, "rows", &rows) || !read_number(payload, "from", &from) || rows < 1 ||
        rows > MAX_ROWS || from < 1 || from > 1000000000) {
        log_line("error", "payload needs rows from 1 to 1000000", "");
        return REFUSED;
    }
    wait_as_asked();
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    printf("order_id,date,customer,sku,article,quantity,unit_price,total\r\n");
    for (long long number = from; number < from + rows; number++)
        put_order(number);
    if (fflush(stdout) != 0) {
        log_line("error", "reply cannot be written", "");
        return UNREADABLE;
    }
    log_line("info", "orders exported", ",\"rows\":%lld,\"from\":%lld", rows, from);
    return 0;
}
