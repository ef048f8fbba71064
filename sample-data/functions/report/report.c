/* report: sums up a day of orders. WASI preview 1 command in C, heavy on memory: it holds 64 bytes for each order.
 *
 * Payload: {"day":17,"rows":400000}: a day of the year and how many orders it had, at most 60 million. The orders are
 * made up from the day, so that no file is needed.
 * Reply: {"day":17,"orders":400000,"revenue_cents":...,"median_cents":...,"busiest_hour":17,
 *         "best":[{"sku":"TEA-GREEN","orders":...,"revenue_cents":...},... three in all]}.
 * More rows than fit the function's memory end it out of memory. A payload without rows is an error: exit code 1.
 * `wait_ms` in the query waits so long. Two JSON lines go to stderr, which is the function's log.
 */
#include <stdint.h>

#include "../kit/kit.h"

enum { MAX_ROWS = 60000000, HOURS = 24, SKUS = 8, BEST = 3 };

static const struct {
    const char *name;
    int cents;
} articles[SKUS] = {
    {"MUG-BLUE", 1290}, {"MUG-RED", 1290},   {"TEA-GREEN", 650},  {"TEA-BLACK", 590},
    {"HONEY-JAR", 890}, {"SPOON-SET", 2450}, {"TEAPOT", 5900},    {"TRAY-OAK", 4200},
};

struct order {
    uint64_t id;
    uint32_t second, cents;
    uint16_t sku, quantity;
    char customer[20], address[24];
};
_Static_assert(sizeof(struct order) == 64, "the head of this file says how large an order is");

struct sales {
    int sku;
    long long orders, cents;
};

struct summary {
    long long cents, orders_by_hour[HOURS];
    struct sales by_sku[SKUS];
};

/* The next number of a made-up sequence (xorshift). */
static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void make_orders(struct order *orders, long long rows, long long day)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t state = 0x9e3779b97f4a7c15u ^ (uint64_t)(day * 7919 + 1);

    for (long long row = 0; row < rows; row++) {
        struct order *order = &orders[row];
        uint64_t number = next_number(&state), place = next_number(&state);
        /* The mean of two numbers, six hours later: most orders come around six in the evening. */
        uint32_t seconds = number % 86400 + (number >> 20) % 86400;
        order->id = (uint64_t)day << 32 | (uint64_t)row;
        order->second = (seconds / 2 + 6 * 3600) % 86400;
        order->sku = (number >> 40) % SKUS;
        order->quantity = 1 + (number >> 50) % 5;
        order->cents = (uint32_t)(order->quantity * articles[order->sku].cents);
        for (int i = 0; i < 16; i++) {
            order->customer[i] = digits[number >> (4 * i) & 15];
            order->address[i] = digits[place >> (4 * i) & 15];
        }
    }
}

static void add_up(struct summary *summary, const struct order *orders, long long rows)
{
    for (int sku = 0; sku < SKUS; sku++)
        summary->by_sku[sku].sku = sku;
    for (const struct order *order = orders; order < orders + rows; order++) {
        summary->cents += order->cents;
        summary->orders_by_hour[order->second / 3600]++;
        summary->by_sku[order->sku].orders++;
        summary->by_sku[order->sku].cents += order->cents;
    }
}

static int by_cents(const void *one, const void *other)
{
    long long a = ((const struct sales *)one)->cents, b = ((const struct sales *)other)->cents;
    return (a < b) - (a > b);
}

static int busiest_hour(const struct summary *summary)
{
    int busiest = 0;

    for (int hour = 1; hour < HOURS; hour++)
        if (summary->orders_by_hour[hour] > summary->orders_by_hour[busiest])
            busiest = hour;
    return busiest;
}

/* The lower median, by Hoare's selection: it moves the orders about. */
static uint32_t median_cents(struct order *orders, long long rows)
{
    long long low = 0, high = rows - 1, middle = (rows - 1) / 2;

    while (low < high) {
        uint32_t pivot = orders[low + (high - low) / 2].cents;
        long long left = low, right = high;
        while (left <= right) {
            while (orders[left].cents < pivot)
                left++;
            while (orders[right].cents > pivot)
                right--;
            if (left <= right) {
                struct order held = orders[left];
                orders[left++] = orders[right];
                orders[right--] = held;
            }
        }
        if (middle <= right)
            high = right;
        else if (middle >= left)
            low = left;
        else
            break;
    }
    return orders[middle].cents;
}

static void print_report(long long day, long long rows, struct summary *summary, uint32_t median)
{
    printf("{\"day\":%lld,\"orders\":%lld,\"revenue_cents\":%lld,\"median_cents\":%u,\"busiest_hour\":%d,\"best\":[",
           day, rows, summary->cents, median, busiest_hour(summary));
    qsort(summary->by_sku, SKUS, sizeof *summary->by_sku, by_cents);
    for (int i = 0; i < BEST; i++) {
        const struct sales *sales = &summary->by_sku[i];
        printf("%s{\"sku\":\"%s\",\"orders\":%lld,\"revenue_cents\":%lld}", i ? "," : "", articles[sales->sku].name,
               sales->orders, sales->cents);
    }
    printf("]}\n");
}

int main(void)
{
    static struct summary summary;
    long long day = 1, rows = 0;
    const char *payload = read_payload();

    if (!payload || !read_number(payload, "day", &day) || !read_number(payload, "rows", &rows) || day < 1 ||
        day > 366 || rows < 1 || rows > MAX_ROWS) {
        log_line("error", "payload needs rows from 1 to 60000000 and a day from 1 to 366", "");
        return REFUSED;
    }
    wait_as_asked();
    struct order *orders = malloc((size_t)rows * sizeof *orders);
    if (!orders) {
        log_line("error", "orders do not fit the memory", ",\"rows\":%lld,\"bytes\":%lld", rows,
                 rows * (long long)sizeof *orders);
        abort();
    }
    make_orders(orders, rows, day);
    log_line("info", "orders read", ",\"day\":%lld,\"rows\":%lld", day, rows);
    add_up(&summary, orders, rows);
    print_report(day, rows, &summary, median_cents(orders, rows));
    log_line("info", "report done", ",\"revenue_cents\":%lld", summary.cents);
    return 0;
}
