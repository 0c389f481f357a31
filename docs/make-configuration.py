#!/usr/bin/env python3
"""docs/configuration.md, out of the table that the programs are made of.

    python3 docs/make-configuration.py > docs/configuration.md
"""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).resolve().parent.parent / "common" / "settings_table.h"
SETTING = re.compile(
    r'X\((\w+), (\w+), ([A-Z]+), "([^"]*)", "([^"]*)", (\w+), ((?:"[^"]*" ?)+)\)'
)
FORMS = {
    "TEXT": "text",
    "WORDS": "words",
    "SIZE": "size",
    "TIME": "time",
    "COUNT": "whole number",
    "DECIMAL": "number",
    "FLAG": "`true` or `false`",
    "CHOICE": "",
}

# Who reads a section, and what a reader should know before its keys.
SECTIONS = {
    "aws": "Read by shipper, and by clickspoolctl where it asks CloudWatch. How "
    "keys are found, and in which order, is in [aws.md](aws.md#which-keys). Keys "
    "are never written into this file.",
    "spool": "Read by all three programs. ingest refuses events (503 "
    "`spool_full`) past `max_unshipped` and below `min_free`; nothing that was "
    "taken is ever dropped to make room. `min_free` counts as at least twice "
    "`segment_size`. [spool.md](spool.md) tells of the files.",
    "listen": "Read by ingest; clickspoolctl asks the admin address. The admin "
    "address knows no passwords: keep it on loopback or a Unix socket.",
    "tls": "Read by ingest. Set both, and every public TCP address speaks "
    "HTTPS; leave both out where a proxy on this machine ends TLS.",
    "http": "Read by ingest.",
    "cors": "Read by ingest. An origin is `scheme://host[:port]`, compared "
    "letter by letter; there are no patterns.",
    "rate": "Read by ingest. IPv6 addresses share by their /64. Behind a proxy "
    "set `[http] trusted_proxies`, or all clients are one address.",
    "auth": "Read by ingest, and by shipper, which fetches the keys. "
    "`user_pool_id` is enough for Cognito: issuer and key set follow from it. "
    "Without an issuer every token is 401, and guests' events are taken.",
    "events": "Read by ingest. [catalog.md](catalog.md) has the file's form.",
    "privacy": "Read by ingest. [privacy.md](privacy.md) tells what is stored of "
    "a person.",
    "uploads": "Read by ingest, which signs; `bucket`, `profile` and `role_arn` "
    "by shipper, which finds who signs.",
    "secrets": "Read by shipper. `NAME#field` picks a field of a JSON secret; "
    "[aws.md](aws.md#secrets) has the forms. `db_password` is read only where "
    "`export_dir` is set.",
    "broker": "Read by ingest, shipper and clickspoolctl. [broker.md](broker.md) "
    "has what is asked there.",
    "shipper": "Read by shipper; group, stream and price by clickspoolctl too. "
    "Before `log_group` or `log_stream` is given another name, `clickspoolctl drain`: "
    "a batch that is under way may end up in both.",
    "log": "Read by both daemons. They log to stderr, one line a fact.",
}
HEAD = """\
# Configuration

Made by `docs/make-configuration.py` from `common/settings_table.h`. Change the
table, not this page.

All three programs read one file, `/etc/clickspool/clickspool.conf`, or the one
that `--config FILE` names. Every key has a default, so an empty file is a good
one.

```ini
# A comment; so is what follows a ; after white space.
[spool]
dir = /srv/spool
max_unshipped = 8GiB    ; room for a long outage

[cors]
origins = https://shop.example https://www.shop.example
```

* `[section]` stands alone on its line, `key = value` below it. `#` or `;`
  begins a comment at the start of a line or after white space. A value in
  double quotes is taken as it stands between them.
* An unknown section or key is an error, and the nearest known name is told.
* `CLICKSPOOL_<SECTION>_<KEY>` in the environment overrides the file:
  `CLICKSPOOL_SPOOL_DIR=/tmp/spool`.
* A **size** is a number with `KiB`, `MiB`, `GiB`, or nothing for bytes. A
  **time** is a number with `ms`, `s`, `m`, `h` or `d`. **Words** stand between
  blanks.
* Keys marked *reload* change on SIGHUP (`systemctl reload`); the others on a
  restart, and a reload that meets a change of theirs says so. Where a new file
  has a fault the old values stay, and the log says `reload_refused`.

Look before you start:

```sh runs
clickspool-ingest --check          # exit 0, or 78 with file, line and key
clickspool-shipper --check
clickspool-ingest --print-config   # the values in force, and where each is from
```
"""


class Setting(NamedTuple):
    section: str
    key: str
    form: str
    default: str
    range: str
    flags: str
    about: str


def settings() -> list[Setting]:
    """In the order of the table; all of them, or AssertionError."""
    text = re.sub(r"\s*\\\n\s*", " ", TABLE.read_text())
    found = [Setting(*match.groups()) for match in SETTING.finditer(text)]
    there = re.findall(r'X\(\w+, \w+, [A-Z]+, "', text)
    assert len(found) == len(there), "a line of the table could not be read"
    return [
        one._replace(about="".join(re.findall(r'"([^"]*)"', one.about)))
        for one in found
    ]


def form(one: Setting) -> str:
    if one.form == "CHOICE":
        return ", ".join(f"`{word}`" for word in one.range.split("|"))
    least, _, most = one.range.partition("..")
    return FORMS[one.form] + (f", {least} to {most}" if most else "")


def row(one: Setting) -> str:
    default = f"`{one.default}`" if one.default else "empty"
    about = one.about.replace("<", "\\<").replace("|", "\\|")
    reload = " *reload*" if one.flags == "RELOAD" else ""
    return f"| `{one.key}` | {default} | {form(one)} | {about}{reload} |"


def page() -> str:
    lines = [HEAD]
    section = ""
    for one in settings():
        if one.section != section:
            section = one.section
            about = textwrap.fill(SECTIONS[section], 80, break_on_hyphens=False)
            lines += [f"\n## [{section}]\n", f"{about}\n"]
            lines += ["| key | default | form | what |", "|---|---|---|---|"]
        lines.append(row(one))
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


if __name__ == "__main__":
    print(page(), end="")
