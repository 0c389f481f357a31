"""Requests that are no HTTP/1.1, or too much of it."""

HOST = b"Host: shop.example\r\n"
POST = b"POST /events HTTP/1.1\r\n"
TYPE = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
START = POST + HOST + TYPE
GET = b"GET /healthz HTTP/1.1\r\n"
BODY = (
    b'{"eventName":"page_view","clientId":"client-0001",'
    b'"sessionId":"session-0001"}'
)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNK = b"%x\r\n" % len(BODY) + BODY + b"\r\n"

BAD = {
    # The request line
    "no version": b"GET /healthz\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /healthz HTTP/0.9\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n",
    "lower case version": b"GET /healthz http/1.1\r\n" + HOST + b"\r\n",
    "PRI": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "absolute form": b"GET http://shop.example/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT shop.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT to a path": b"CONNECT /events HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces": b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces behind": b"GET /healthz  HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab": b"GET\t/healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space at the end": b"GET /healthz HTTP/1.1 \r\n" + HOST + b"\r\n",
    "a space in the target": b"GET /heal thz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"GET /healthz#a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a raw byte": b"GET /healthz\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "an empty line first": b"\r\n" + GET + HOST + b"\r\n",
    "an unknown method": b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "a lower case method": b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    # Line ends
    "bare LF": GET.replace(b"\r", b"") + HOST + b"\r\n",
    "bare LF behind a field": GET + HOST.replace(b"\r", b"") + b"\r\n",
    "bare LF at the end": GET + HOST + b"\n",
    "bare CR": GET + b"Host: shop.example\rX: y\r\n\r\n",
    "two CRs": GET + b"Host: shop.example\r\r\n\r\n",
    # Fields
    "obs-fold": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "obs-fold by a tab": GET + HOST + b"X: a\r\n\tb\r\n\r\n",
    "a folded first field": GET + b" X: a\r\n" + HOST + b"\r\n",
    "no colon": GET + HOST + b"X\r\n\r\n",
    "an empty name": GET + HOST + b": a\r\n\r\n",
    "a space before the colon": GET + HOST + b"X : a\r\n\r\n",
    "a tab before the colon": GET + HOST + b"X\t: a\r\n\r\n",
    "a bracket in a name": GET + HOST + b"X[: a\r\n\r\n",
    "a byte in a name": GET + HOST + b"X\xe4: a\r\n\r\n",
    "NUL in a value": GET + HOST + b"X: a\0b\r\n\r\n",
    "CTL in a value": GET + HOST + b"X: a\x01b\r\n\r\n",
    "DEL in a value": GET + HOST + b"X: a\x7fb\r\n\r\n",
    # Host
    "no Host": GET + b"\r\n",
    "two Hosts": GET + HOST + HOST + b"\r\n",
    "an empty Host": GET + b"Host: \r\n\r\n",
    "a list of Hosts": GET + b"Host: a.example, b.example\r\n\r\n",
    "userinfo in Host": GET + b"Host: a@shop.example\r\n\r\n",
    "a path in Host": GET + b"Host: shop.example/a\r\n\r\n",
    "a scheme in Host": GET + b"Host: http://shop.example\r\n\r\n",
    "a word for a port": GET + b"Host: shop.example:http\r\n\r\n",
    "a space in Host": GET + b"Host: shop example\r\n\r\n",
    "an open bracket": GET + b"Host: [::1\r\n\r\n",
    # Where the message ends
    "TE and CL": START + LENGTH + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "CL and TE": START + CHUNKED + LENGTH + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "TE twice": START + CHUNKED + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "TE in HTTP/1.0": START.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n",
    "an empty TE": START + b"Transfer-Encoding: \r\n\r\n",
    "identity": START + b"Transfer-Encoding: identity\r\n\r\n",
    "gzip, chunked": START + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, chunked": START + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
    "xchunked": START + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked;q=1": START + b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "CL twice": START + LENGTH + LENGTH + b"\r\n" + BODY,
    "a list of CLs": START + b"Content-Length: 3, 3\r\n\r\nabc",
    "an empty CL": START + b"Content-Length: \r\n\r\n",
    "a signed CL": START + b"Content-Length: +3\r\n\r\nabc",
    "a negative CL": START + b"Content-Length: -1\r\n\r\n",
    "a hexadecimal CL": START + b"Content-Length: 0x3\r\n\r\nabc",
    "a CL of 20 digits": START + b"Content-Length: 00000000000000000003\r\n\r\nabc",
    "a huge CL": START + b"Content-Length: 18446744073709551617\r\n\r\na",
    "Upgrade": GET + HOST + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
}

BAD_CHUNKS = {
    "a word for a size": b"zz\r\n",
    "an empty size": b"\r\n",
    "a signed size": b"+1\r\na\r\n",
    "0x": b"0x1\r\na\r\n",
    "a space before the size": b" 1\r\na\r\n",
    "bare LF behind the size": b"1\na\r\n0\r\n\r\n",
    "bare LF behind the chunk": b"1\r\na\n0\r\n\r\n",
    "a chunk that is longer": b"1\r\nab\r\n0\r\n\r\n",
    "a size past 64 bits": b"1" + b"0" * 16 + b"\r\na",
    "an endless extension": b"1;" + b"a" * 4096 + b"\r\na\r\n0\r\n\r\n",
    "many extensions": b"1;a=b\r\na\r\n" * 600 + b"0\r\n\r\n",
    "CL in a trailer": CHUNK + b"0\r\nContent-Length: 3\r\n\r\n",
    "TE in a trailer": CHUNK + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Host in a trailer": CHUNK + b"0\r\nHost: shop.example\r\n\r\n",
    "a folded trailer": CHUNK + b"0\r\nX: a\r\n b\r\n\r\n",
    "bare LF in a trailer": CHUNK + b"0\r\nX: a\n\r\n",
    "bare LF at the end": CHUNK + b"0\r\n\n",
    "a trailer without a colon": CHUNK + b"0\r\nX\r\n\r\n",
    "a trailer without an end": CHUNK + b"0\r\n" + b"X: a\r\n" * 2000,
}  # fmt: skip


def fields(number: int) -> bytes:
    return b"".join(b"X-%d: a\r\n" % at for at in range(number))


TOO_MUCH = {
    "65 fields": (GET + HOST + fields(64) + b"\r\n", 431, "head_too_large"),
    "16 KiB": (
        GET + HOST + b"X: " + b"a" * 16384 + b"\r\n\r\n", 431, "head_too_large"),
    "an endless field": (GET + HOST + b"X: " + b"a" * 20000, 431, "head_too_large"),
    "2 KiB of URI": (
        b"GET /" + b"a" * 2048 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
    "an endless URI": (b"GET /" + b"a" * 4096, 414, "uri_too_long"),
    "Expect": (START + LENGTH + b"Expect: 200-ok\r\n\r\n", 417, "expectation_failed"),
    "two Expects": (
        START + LENGTH + b"Expect: 100-continue\r\n" * 2 + b"\r\n",
        417, "expectation_failed"),
    "a huge CL": (
        START + b"Content-Length: 9999999999999999999\r\n\r\n", 413, "body_too_large"),
    "a long body": (
        START + b"Content-Length: 262145\r\n\r\n", 413, "body_too_large"),
    "a long chunk": (
        START + CHUNKED + b"\r\n40001\r\n" + b" " * 0x40001, 413, "body_too_large"),
    "dust": (
        START + CHUNKED + b"\r\n" + b"1\r\na\r\n" * 120000, 413, "body_too_large"),
}  # fmt: skip
