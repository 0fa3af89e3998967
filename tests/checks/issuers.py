#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""issuers.py SOURCE-DIR: docs/issuers.schema.json judges the documents of
tests/vectors/issuers as the core does, and is itself a JSON Schema."""

import json
import pathlib
import sys

# Debian's python3-jsonschema
from jsonschema import Draft202012Validator

source = pathlib.Path(sys.argv[1])
schema = json.loads((source / "docs/issuers.schema.json").read_text("utf-8"))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
failed = False
for folder, wanted in ("valid", True), ("invalid", False):
    files = sorted((source / "tests/vectors/issuers" / folder).glob("*.json"))
    print(f"{len(files)} {folder} documents")
    failed = failed or not files
    for file in files:
        if validator.is_valid(json.loads(file.read_text("utf-8"))) != wanted:
            print(f"{folder}/{file.name}: the schema takes it to be {'invalid' if wanted else 'valid'}")
            failed = True
sys.exit(failed)
