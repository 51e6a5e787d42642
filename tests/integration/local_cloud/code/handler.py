"""A function that does what the request says, for the tests of the local cloud."""
# ruff: noqa: T201  # its output is what is tested

import json
import os
import sys
import time

print("loaded", flush=True)


def lambda_handler(event, context):
    if "Records" in event:
        return _stream(event["Records"])
    action = event.get("rawPath", event.get("action", ""))
    if action.endswith("/fail"):
        raise ValueError("as asked")
    if action.endswith("/exit"):
        os._exit(3)
    if action.endswith("/sleep"):
        time.sleep(60)
    if action.endswith("/cookies"):
        return {
            "statusCode": 201,
            "headers": {"X-One": "1"},
            "cookies": ["a=1", "b=2"],
            "body": "ok",
        }
    if action.endswith("/log"):
        print(json.dumps({"recommendation_id": "r1", "user_id": "ü"}))
        print(json.dumps({"other": "line"}))
        print("not json", file=sys.stderr)
    return {"event": event, "remaining": context.get_remaining_time_in_millis()}


def _stream(records):
    failures = []
    for record in records:
        image = record["dynamodb"]["NewImage"]
        if "poison" in image:
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
            break
        print(json.dumps({"got": image["id"]["S"], "record": record}))
    return {"batchItemFailures": failures}
