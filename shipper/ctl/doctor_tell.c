#include "shipper/ctl/ctl.h"
#include "shipper/ctl/doctor.h"
#include "shipper/ctl/print.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE = 1024 };

static const struct {
    const char *word;
    enum print_colour colour;
} verdicts[] = {
    [DOCTOR_OK] = {"ok", PRINT_GOOD},
    [DOCTOR_WARN] = {"warn", PRINT_WARN},
    [DOCTOR_FAIL] = {"fail", PRINT_BAD},
};

static void
tell_json(enum doctor_verdict verdict, const char *name, const char *hint,
          const char *text)
{
    printf("{\"check\":\"%s\",\"verdict\":\"%s\",\"about\":", name,
           verdicts[verdict].word);
    print_json_text(text);
    fputs(",\"hint\":", stdout);
    print_json_text(hint);
    puts("}");
}

void
doctor_tell(struct doctor *doctor, enum doctor_verdict verdict,
            const char *name, const char *hint, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    doctor->counts[verdict]++;
    if (doctor->ctl->json) {
        tell_json(verdict, name, hint, text);
    } else {
        printf("%s%-4s%s  %-11s  ", print_colour(verdicts[verdict].colour),
               verdicts[verdict].word, print_end(), name);
        print_printable(stdout, text);
        putchar('\n');
        if (hint)
            printf("      %-11s  %s\n", "", hint);
    }
    (void)fflush(stdout); /* the next check may take its time */
}
