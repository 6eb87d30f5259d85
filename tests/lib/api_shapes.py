"""What the answers of the Messages API, of Bedrock and of Vertex look like."""
import base64
import binascii
import json
import os
import re
import struct


def message(model, blocks, stop):
    return {"id": "msg_" + os.urandom(12).hex(), "type": "message", "role": "assistant",
            "model": model, "content": blocks, "stop_reason": stop, "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5,
                      "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}}


def events(whole):
    """A whole message as the events of a stream."""
    head = dict(whole, content=[], stop_reason=None)
    yield {"type": "message_start", "message": head}
    for i, block in enumerate(whole["content"]):
        if block["type"] == "text":
            start, delta = dict(block, text=""), {"type": "text_delta", "text": block["text"]}
        else:
            start = dict(block, input={})
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": i, "content_block": start}
        yield {"type": "content_block_delta", "index": i, "delta": delta}
        yield {"type": "content_block_stop", "index": i}
    yield {"type": "message_delta", "usage": whole["usage"],
           "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}}
    yield {"type": "message_stop"}


def sse(event):
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def eventstream(event):
    """One frame of application/vnd.amazon.eventstream around an event."""
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    payload = json.dumps({"bytes": inner}).encode()
    head = b""
    for name, value in ((b":event-type", b"chunk"), (b":content-type", b"application/json"),
                        (b":message-type", b"event")):
        head += bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
    prelude = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    frame = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return frame + struct.pack(">I", binascii.crc32(frame))


MODELS = {"data": [{"type": "model", "id": name, "display_name": name,
                    "created_at": "2026-01-01T00:00:00Z"}
                   for name in ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")],
          "has_more": False, "first_id": "claude-opus-4-5", "last_id": "claude-haiku-4-5"}
PROFILES = {"inferenceProfileSummaries": [
    {"inferenceProfileId": name, "inferenceProfileName": name, "status": "ACTIVE",
     "type": "SYSTEM_DEFINED", "models": [],
     "inferenceProfileArn": "arn:aws:bedrock:us-east-1:000000000000:inference-profile/" + name}
    for name in ("us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                 "us.anthropic.claude-haiku-4-5-20251001-v1:0")]}

# path ending -> (how the answer travels, where the model is named)
ROUTES = ((re.compile(r"/v1/messages$"), "messages"),
          (re.compile(r"/model/([^/]+)/invoke$"), "whole"),
          (re.compile(r"/model/([^/]+)/invoke-with-response-stream$"), "eventstream"),
          (re.compile(r"/publishers/anthropic/models/([^/:]+):rawPredict$"), "whole"),
          (re.compile(r"/publishers/anthropic/models/([^/:]+):streamRawPredict$"), "sse"))
COUNTS = re.compile(r"(/v1/messages/count_tokens|/count-tokens|:countTokens"
                    r"|/models/count-tokens:rawPredict)$")
