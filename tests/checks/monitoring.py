#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""monitoring.py SOURCE-DIR: prints SQL that runs the queries of "Statistics" in docs/operations.md,
unchanged, and those of docs/examples/prometheus.yml, after which each of their metrics must be a
column of the result. monitoring.sh runs it."""
import pathlib
import re
import sys

import yaml

source = pathlib.Path(sys.argv[1])
page = (source / "docs/operations.md").read_text("utf-8")
section = page.split("\n## Statistics\n")[1].split("\n## ")[0]
blocks = re.findall(r"^```sql\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
exporter = yaml.safe_load((source / "docs/examples/prometheus.yml").read_text("utf-8"))
if len(blocks) < 2 or len(exporter) < 3:
    sys.exit("monitoring.py: not the queries that were expected")
print("\\set ON_ERROR_STOP 1")
for block in blocks:
    print(block)
for name, entry in exporter.items():
    query = entry["query"].strip()
    columns = [column for metric in entry["metrics"] for column in metric]
    print(f"SELECT '{name}' AS metrics, count(*) > 0 AS has_rows FROM ({query}) AS q;")
    print(f"SELECT {', '.join(columns)} FROM ({query}) AS q LIMIT 0;")
