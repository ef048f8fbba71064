/* wordcount: counts the words of a product text, so that the shop can warn of thin ones.
 * WASI preview 1 command in C.
 *
 * Payload: the text. Reply: {"words":7,"lines":1,"bytes":41,"longest":9}. An empty text is an error: exit code 1.
 * `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.
 */
#include "../kit/kit.h"

struct counts {
    unsigned long words, lines, bytes, longest;
};

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Adds one piece of the text. `word` is the length of the word that the piece before ended in, 0 for none. */
static unsigned long count(struct counts *total, unsigned long word, const char *piece, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (piece[i] == '\n')
            total->lines++;
        if (is_space(piece[i])) {
            word = 0;
            continue;
        }
        if (word == 0)
            total->words++;
        word++;
        if (word > total->longest)
            total->longest = word;
    }
    total->bytes += length;
    return word;
}

int main(void)
{
    static char piece[16384];
    struct counts total = {0};
    unsigned long word = 0;
    ssize_t length;

    while ((length = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        word = count(&total, word, piece, (size_t)length);
    if (length < 0) {
        log_line("error", "text cannot be read", "");
        return UNREADABLE;
    }
    wait_as_asked();
    if (total.words == 0) {
        log_line("error", "text is empty", ",\"bytes\":%lu", total.bytes);
        return REFUSED;
    }
    log_line(total.words < 8 ? "warn" : "info", total.words < 8 ? "text is thin" : "text counted",
             ",\"words\":%lu,\"bytes\":%lu", total.words, total.bytes);
    printf("{\"words\":%lu,\"lines\":%lu,\"bytes\":%lu,\"longest\":%lu}\n", total.words, total.lines, total.bytes,
           total.longest);
    return 0;
}
