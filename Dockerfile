# SPDX-License-Identifier: Apache-2.0
# A container with all that ./dev check needs, for those who want one:
#
#   docker build -t pg_session_jwt-dev .
#   docker run --rm -it -v "$PWD:/src" pg_session_jwt-dev ./dev check
#
# CI does not build it. tests/checks/dockerfile.sh holds it against .ci/packages.
FROM debian:bookworm-slim

# The packages are those of .ci/packages, installed by the project's own script.
COPY .ci /opt/ci/.ci
RUN apt-get update \
    && BUILD_DIR=/tmp/setup /opt/ci/.ci/setup.sh build unit tool server test npm clang lint fuzz bench \
    && rm -rf /tmp/setup /var/lib/apt/lists/*

# Servers and initdb refuse to run as root.
RUN useradd --create-home --uid 1000 developer
USER developer
WORKDIR /src
CMD ["./dev"]
