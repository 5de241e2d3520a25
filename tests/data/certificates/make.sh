#!/bin/sh
# Makes the files of this folder anew. They are for tests only: nobody trusts these keys, and the passwords stand here.
# Needs OpenSSL 3, and Java's keytool for a second writer of PFX files. The leaf lives until 2046, so that the tests do not end before the code does.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days=7300
password=pass:correct-horse
subject() { printf '/O=xdrkit tests/CN=%s' "$1"; }

ca() { # name, issuer (empty: itself)
    openssl req -new -newkey rsa:2048 -nodes -keyout "$work/$1.key" -subj "$(subject "$1")" -out "$work/$1.csr" 2>/dev/null
    printf 'basicConstraints=critical,CA:TRUE\n' >"$work/ca.ext"
    if [ -z "$2" ]; then
        openssl x509 -req -in "$work/$1.csr" -signkey "$work/$1.key" -days $days -extfile "$work/ca.ext" -out "$work/$1.crt" 2>/dev/null
    else
        openssl x509 -req -in "$work/$1.csr" -CA "$work/$2.crt" -CAkey "$work/$2.key" -CAcreateserial -days $days -extfile "$work/ca.ext" -out "$work/$1.crt" 2>/dev/null
    fi
}
ca root ""
ca middle root
ca issuing middle

mkdir "$work/ca" && : >"$work/ca/index.txt"
printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\nx509_extensions=v\ndefault_md=sha256\npolicy=p\n[p]\nO=optional\nCN=optional\n[v]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n' \
    "$work/ca/index.txt" "$work/ca" >"$work/ca.cnf"
certify() { # name, from, to: by a command that can set both dates
    openssl ca -batch -config "$work/ca.cnf" -in "$work/$1.csr" -cert "$work/issuing.crt" -keyfile "$work/issuing.key" \
        -startdate "$2" -enddate "$3" -notext -out "$work/$1.crt" 2>/dev/null
}
leaf() { # name
    openssl req -new -newkey rsa:2048 -nodes -keyout "$work/$1.key" -subj "$(subject "$1")" -out "$work/$1.csr" 2>/dev/null
    certify "$1" 20250101000000Z 20461231235959Z
}
leaf leaf
leaf renewed
cat "$work/leaf.key" "$work/leaf.crt" >leaf.pem
cat "$work/renewed.key" "$work/renewed.crt" >renewed.pem
for name in root middle issuing leaf; do openssl x509 -in "$work/$name.crt" -outform DER -out "$name.der"; done

# The chain as people paste it: in no order, with text in between, Windows line ends.
{
    openssl x509 -in "$work/middle.crt" -text
    cat "$work/root.crt" "$work/leaf.crt" "$work/leaf.key" "$work/issuing.crt"
} | sed 's/$/\r/' >chain-in-disorder.pem
cat "$work/leaf.crt" "$work/issuing.crt" >certificates-only.pem
cp "$work/leaf.key" key-only.pem
cat "$work/renewed.key" "$work/leaf.crt" >foreign-key.pem

with_leaf() { cat "$work/key" "$work/leaf.crt" >"$1"; }
openssl rsa -in "$work/leaf.key" -traditional -out "$work/key" 2>/dev/null && with_leaf pkcs1.pem
openssl rsa -in "$work/leaf.key" -traditional -aes256 -passout $password -out "$work/key" 2>/dev/null && with_leaf proc-type.pem
openssl pkcs8 -topk8 -in "$work/leaf.key" -passout $password -out "$work/key" && with_leaf encrypted.pem
openssl pkcs8 -topk8 -in "$work/leaf.key" -passout $password -v2 des3 -v2prf hmacWithSHA1 -out "$work/key" && with_leaf encrypted-3des.pem
openssl pkcs8 -topk8 -in "$work/leaf.key" -passout $password -v1 PBE-SHA1-3DES -out "$work/key" && with_leaf encrypted-pbes1.pem
openssl pkcs8 -topk8 -in "$work/leaf.key" -passout $password -scrypt -out "$work/key" && with_leaf encrypted-scrypt.pem

openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key" -subj "$(subject ec)" -days $days -out "$work/ec.crt" 2>/dev/null
cat "$work/key" "$work/ec.crt" >ec.pem
{ openssl ec -in "$work/key" 2>/dev/null; cat "$work/ec.crt"; } >ec-sec1.pem

openssl req -new -key "$work/leaf.key" -subj "$(subject expired)" -out "$work/expired.csr"
certify expired 20200101000000Z 20210203040506Z
cat "$work/leaf.key" "$work/expired.crt" >expired.pem
# The same key, certified again: the old certificate stays in the file.
cat "$work/leaf.key" "$work/expired.crt" "$work/leaf.crt" >certified-twice.pem

cat "$work/root.crt" "$work/issuing.crt" "$work/middle.crt" >"$work/others"
pfx() { openssl pkcs12 -export -inkey "$work/leaf.key" -in "$work/leaf.crt" -certfile "$work/others" -name "xdrkit tests" "$@"; }
pfx -passout $password -out aes.pfx
pfx -passout $password -legacy -out legacy.pfx
pfx -passout $password -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-2DES -legacy -out legacy-odd.pfx
pfx -passout pass: -out empty-password.pfx
pfx -passout $password -nomac -out no-mac.pfx
pfx -passout "pass:pässwörd-€" -out unicode.pfx
pfx -passout "pass:pässwörd-€" -legacy -out unicode-legacy.pfx
pfx -passout $password -keypbe NONE -certpbe NONE -macalg sha512 -out plain-bags.pfx
openssl pkcs12 -export -nokeys -in "$work/leaf.crt" -passout $password -out no-key.pfx
rm -f java.pfx
keytool -importkeystore -noprompt -srckeystore aes.pfx -srcstoretype PKCS12 -srcstorepass "${password#pass:}" \
    -destkeystore java.pfx -deststoretype PKCS12 -deststorepass "${password#pass:}" 2>/dev/null
# What this OpenSSL cannot make is made by hand, from a file that nothing but its seal protects: a seal by PBMAC1 (RFC 9579), and the one
# that Windows makes without a password, which is not the one of an empty password.
pfx -passout $password -keypbe NONE -certpbe NONE -nomac -out "$work/bare.pfx"
python3 - "${password#pass:}" "$work/bare.pfx" <<'PYTHON'
import hashlib, hmac, pathlib, sys

def value(tag, *parts):
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(size)]) + size) + body

def sequence(*parts):
    return value(0x30, *parts)

def inside(whole):
    start = 2 + (whole[1] & 0x7F if whole[1] > 127 else 0)
    return whole[start:]

def number(n):
    return value(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))

rsadsi = bytes.fromhex("2a864886f70d")
sha256 = sequence(value(6, rsadsi, b"\x02\x09"), value(5))
salt, rounds = b"salt of the seal", 2048
body = inside(pathlib.Path(sys.argv[2]).read_bytes())
content = inside(inside(inside(body[3:])[11:]))  # past version, type and [0]: the text that is sealed
key = hashlib.pbkdf2_hmac("sha256", sys.argv[1].encode(), salt, rounds, 32)
parameters = sequence(value(6, rsadsi, b"\x01\x05\x0c"), sequence(value(4, salt), number(rounds), number(32), sha256))
algorithm = sequence(value(6, rsadsi, b"\x01\x05\x0e"), sequence(parameters, sha256))
seal = sequence(sequence(algorithm, value(4, hmac.digest(key, content, "sha256"))), value(4, b"unused"), number(1))
pathlib.Path("pbmac1.pfx").write_bytes(sequence(body, seal))

mixed = (salt * 64)[:64]  # no password: nothing of it is mixed in
key = hashlib.sha1(b"\x03" * 64 + mixed).digest()
for _ in range(rounds - 1):
    key = hashlib.sha1(key).digest()
digest = sequence(sequence(value(6, bytes.fromhex("2b0e03021a")), value(5)), value(4, hmac.digest(key, content, "sha1")))
pathlib.Path("no-password.pfx").write_bytes(sequence(body, sequence(digest, value(4, salt), number(rounds))))
PYTHON
chmod 644 ./*.pem ./*.pfx
