"""recommend: articles that go with those in a cart. wasi:http component in Python.

Request: POST {"skus":["MUG-BLUE"],"count":2}.
Reply:   {"recommended":["TEA-GREEN","SPOON-SET"]}, the best first.
A request that is not understood gives 400; an exception becomes a trap. Log lines go to stderr.
"""

import json
import sys

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

# How often two articles were bought together.
PAIRS = {
    ("MUG-BLUE", "TEA-GREEN"): 41,
    ("MUG-BLUE", "SPOON-SET"): 28,
    ("MUG-RED", "TEA-BLACK"): 33,
    ("MUG-RED", "SPOON-SET"): 25,
    ("TEA-BLACK", "TEA-GREEN"): 19,
    ("TEA-GREEN", "HONEY-JAR"): 37,
    ("HONEY-JAR", "SPOON-SET"): 12,
}


def log(level: str, message: str, **fields: object) -> None:
    print(json.dumps({"level": level, "message": message, **fields}), file=sys.stderr, flush=True)


def recommend(skus: list[str], count: int) -> list[str]:
    scores: dict[str, int] = {}
    for pair, bought in PAIRS.items():
        for one, other in (pair, pair[::-1]):
            if one in skus and other not in skus:
                scores[other] = scores.get(other, 0) + bought
    return sorted(scores, key=lambda sku: (-scores[sku], sku))[:count]


def read_body(request: IncomingRequest) -> bytes:
    pieces = []
    with request.consume() as body, body.stream() as stream:
        while True:
            try:
                pieces.append(stream.blocking_read(65536))
            except Exception:  # the only way that the end of a stream is told
                return b"".join(pieces)


def send(out: ResponseOutparam, status: int, value: object) -> None:
    response = OutgoingResponse(Fields.from_list([("content-type", b"application/json")]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    with body.write() as stream:
        stream.blocking_write_and_flush(json.dumps(value).encode())
    OutgoingBody.finish(body, None)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        try:
            payload = json.loads(read_body(request))
            skus = [str(sku) for sku in payload["skus"]]
            count = int(payload.get("count", 3))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log("warn", "request refused", reason=str(error))
            send(response_out, 400, {"error": "needs skus, a list of texts"})
            return
        recommended = recommend(skus, count)
        log("info", "recommended", found=len(recommended))
        send(response_out, 200, {"recommended": recommended})
