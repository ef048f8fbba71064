/* invoice: renders a plain-text invoice. WASI preview 1 command in C.
 *
 * Payload: JSON lines; the first names the invoice, each other one is an item:
 *   {"invoice":"2025-0042","customer":"Ada Lovelace"}
 *   {"item":"Blue mug","quantity":2,"unit_cents":1290,"tax_percent":19}
 * Reply: the invoice, with the tax for each rate rounded once, half up; all sums are whole cents.
 * A malformed line is an error: exit code 1, and the log says which line and why. Nothing is replied then.
 * `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.
 */
#include "../kit/kit.h"

enum { MAX_ITEMS = 500, MAX_QUANTITY = 10000, MAX_CENTS = 100000000, MAX_PERCENT = 30 };

struct item {
    char name[128];
    long long quantity, unit_cents, tax_percent;
};

struct invoice {
    char number[128], customer[128];
    struct item items[MAX_ITEMS];
    int count;
};

/* Takes a member into the field that it names; gives what is wrong with it, NULL for nothing. */
static const char *take_number(const struct member *member, long long *field, long long least, long long most)
{
    if (member->kind != NUMBER)
        return "a number is a text";
    if (member->number < least || member->number > most)
        return "a number is out of range";
    *field = member->number;
    return NULL;
}

static const char *take_text(const struct member *member, char *field)
{
    if (member->kind != TEXT)
        return "a text is a number";
    strcpy(field, member->text);
    return NULL;
}

static const char *take(struct invoice *invoice, struct item *item, const struct member *member)
{
    if (!item && strcmp(member->name, "invoice") == 0)
        return take_text(member, invoice->number);
    if (!item && strcmp(member->name, "customer") == 0)
        return take_text(member, invoice->customer);
    if (item && strcmp(member->name, "item") == 0)
        return take_text(member, item->name);
    if (item && strcmp(member->name, "quantity") == 0)
        return take_number(member, &item->quantity, 1, MAX_QUANTITY);
    if (item && strcmp(member->name, "unit_cents") == 0)
        return take_number(member, &item->unit_cents, 0, MAX_CENTS);
    if (item && strcmp(member->name, "tax_percent") == 0)
        return take_number(member, &item->tax_percent, 0, MAX_PERCENT);
    return "a member is not known here";
}

/* Reads one line: the head of the invoice where `item` is NULL. Gives what is wrong with it, NULL for nothing. */
static const char *read_line(struct invoice *invoice, struct item *item, const char *line)
{
    struct member member;
    enum place place = BEFORE;

    while ((line = read_member(line, &member, &place)) && place != ENDED) {
        const char *wrong = take(invoice, item, &member);
        if (wrong)
            return wrong;
    }
    if (!line || *skip_space(line))
        return "not a JSON object";
    if (item ? !*item->name || item->quantity == 0 || item->unit_cents < 0 || item->tax_percent < 0
             : !*invoice->number || !*invoice->customer)
        return "a member is missing";
    return NULL;
}

/* Reads all lines; gives the number of the first wrong one, 0 for none. */
static int read_invoice(struct invoice *invoice, char *payload, const char **wrong)
{
    int number = 0;

    for (char *line = payload, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = 0;
        struct item *item = NULL;
        if (number++ > 0) {
            if (invoice->count == MAX_ITEMS) {
                *wrong = "too many items";
                return number;
            }
            item = &invoice->items[invoice->count++];
            *item = (struct item){.unit_cents = -1, .tax_percent = -1};
        }
        *wrong = read_line(invoice, item, line);
        if (*wrong)
            return number;
    }
    *wrong = "an invoice has a head and an item";
    return invoice->count == 0 ? number + 1 : 0;
}

/* Spaces that fill a text up to `width` characters, which in UTF-8 may have more than one byte. */
static int padding(const char *text, int width)
{
    for (; *text; text++)
        width -= (*text & 0xc0) != 0x80;
    return width > 0 ? width : 0;
}

static void print_row(const char *name, const char *quantity, long long unit_cents, long long cents)
{
    char unit[24] = "";

    if (unit_cents >= 0)
        snprintf(unit, sizeof unit, "%lld.%02lld", unit_cents / 100, unit_cents % 100);
    printf("%s%*s %8s %12s %11lld.%02lld\n", name, padding(name, 32), "", quantity, unit, cents / 100, cents % 100);
}

/* Prints the invoice; gives its total in cents. */
static long long print_invoice(const struct invoice *invoice)
{
    long long net = 0, total = 0, taxed[MAX_PERCENT + 1] = {0};
    char text[32];

    printf("INVOICE %s\n\n%s\n\n%-32s %8s %12s %14s\n", invoice->number, invoice->customer, "Item", "Quantity", "Price",
           "Amount");
    for (const struct item *item = invoice->items; item < invoice->items + invoice->count; item++) {
        long long cents = item->quantity * item->unit_cents;
        snprintf(text, sizeof text, "%lld", item->quantity);
        print_row(item->name, text, item->unit_cents, cents);
        taxed[item->tax_percent] += cents;
        net += cents;
    }
    putchar('\n');
    print_row("Net", "", -1, net);
    total = net;
    for (int percent = 1; percent <= MAX_PERCENT; percent++) {
        if (taxed[percent] == 0)
            continue;
        long long tax = (taxed[percent] * percent + 50) / 100;
        snprintf(text, sizeof text, "Tax %d %%", percent);
        print_row(text, "", -1, tax);
        total += tax;
    }
    print_row("Total", "", -1, total);
    return total;
}

int main(void)
{
    static struct invoice invoice;
    const char *wrong;
    char *payload = read_payload();

    if (!payload) {
        log_line("error", "payload cannot be read", "");
        return UNREADABLE;
    }
    wait_as_asked();
    int line = read_invoice(&invoice, payload, &wrong);
    if (line > 0) {
        log_line("error", "line is malformed", ",\"line\":%d,\"reason\":\"%s\"", line, wrong);
        return REFUSED;
    }
    long long total = print_invoice(&invoice);
    log_line("info", "invoice rendered", ",\"items\":%d,\"total_cents\":%lld", invoice.count, total);
    return 0;
}
