#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# certificates.sh DIR: makes in DIR a certificate authority (ca.pem) and, each with its key in
# the same file, certificates of localhost and 127.0.0.1 (good.pem), of another host (other.pem)
# and one that has expired (expired.pem); and of localhost by another authority (stranger.pem).
set -euo pipefail
cd "$1"

exec 2>certificates.log

authority() # NAME
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
        -keyout "$1.key" -out "$1.pem"
}

certificate() # NAME AUTHORITY HOST DAYS
{
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$3" -keyout "$1.key" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial "0x$(openssl rand -hex 8)" \
        -days "$4" -extfile <(echo "subjectAltName=DNS:$3,IP:127.0.0.1") -out "$1.crt"
    cat "$1.crt" "$1.key" >"$1.pem"
}

authority ca
authority strange
certificate good ca localhost 30
# It ends in the second in which it is made.
certificate expired ca localhost 0
certificate stranger strange localhost 30
# Its address is not in the certificate either.
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other.example -keyout other.key -out other.csr
openssl x509 -req -in other.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 30 \
    -extfile <(echo subjectAltName=DNS:other.example) -out other.crt
cat other.crt other.key >other.pem
sleep 1
