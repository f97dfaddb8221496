"""The protobuf module of Upstox's SDK and the parser of Angel One's: frames in base64 on stdin, JSON lines out."""

from __future__ import annotations

import base64
import json
import sys

if sys.argv[1] == "upstox":
    from google.protobuf.json_format import MessageToDict
    from upstox_client.feeder.proto import MarketDataFeedV3_pb2

    for line in sys.stdin:
        message = MarketDataFeedV3_pb2.FeedResponse.FromString(base64.b64decode(line))
        sys.stdout.write(json.dumps(MessageToDict(message)) + "\n")
else:
    from SmartApi.smartWebSocketV2 import SmartWebSocketV2

    parser = SmartWebSocketV2("token", "key", "client", "feed")
    for line in sys.stdin:
        sys.stdout.write(json.dumps(parser._parse_binary_data(base64.b64decode(line))) + "\n")
