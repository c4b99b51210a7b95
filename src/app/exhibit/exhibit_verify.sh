#!/bin/sh
# Verifies this exhibit:   sh verify.sh
#
# It wants openssl (3.0 or later) and GNU coreutils (sha256sum, base64, od, ...), and nothing else. It
# changes nothing. README.txt says what each check proves. Exit status 0: everything holds.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
    echo "FAILED: $*"
    exit 11
}
sum() { sha256sum < "$1" | cut -c 1-64; }
hash() { openssl dgst -sha256 -binary | base64; }
hex() { od -An -v -tx1 | tr -d ' \n'; }

# ---- 1. The files are those of the manifest, byte for byte; none is missing, none is added.
listed() {
    while IFS= read -r line; do
        case $line in '  {"sha256": "'*'"path": "'*) ;; *) continue ;; esac
        h=${line#*'"sha256": "'}
        p=${line#*'"path": "'}
        printf '%s  %s\n' "${h%%'"'*}" "${p%%'"'*}"
    done < manifest.json
}
found() {
    : > "$tmp/odd"
    for f in * .[!.]* ..?* */* */.[!.]* */..?*; do
        case $f in
        manifest.json | manifest.sha256 | manifest.sig) [ ! -L "$f" ] && [ -f "$f" ] && continue ;;
        entries | blobs | rotated | timestamp | witness) [ ! -L "$f" ] && [ -d "$f" ] && continue ;;
        esac
        if [ ! -L "$f" ] && [ -f "$f" ]; then
            printf '%s\n' "$f"
        elif [ -L "$f" ] || [ -e "$f" ]; then
            echo "no file: $f" >> "$tmp/odd"
        fi
    done | sort > "$tmp/found"
    cat "$tmp/odd"
    (
        set -f # each line of it is one name
        IFS='
'
        sha256sum -- $(cat "$tmp/found") || echo "a file that cannot be read"
    )
}
[ "$(sha256sum manifest.json)" = "$(cat manifest.sha256)" ] || fail "manifest.json is not what manifest.sha256 says"
[ "$(listed)" = "$(found)" ] || fail "the files are not those of manifest.json"
echo "ok: all files are as manifest.json has them, and there are no others"

# Ed25519. $1: file with the 32 bytes of the key, $2: what is signed, $3: the signature's 64 bytes.
signed() {
    { printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat "$1"; } > "$tmp/der"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$tmp/der" -rawin -in "$2" -sigfile "$3" > "$tmp/said" 2>&1
}

# ---- 2. Who made the bundle: their signature over the manifest.
if [ -f account.pem ] || [ -f manifest.sig ]; then
    openssl pkey -pubin -in account.pem -outform DER | tail -c 32 > "$tmp/account"
    signed "$tmp/account" manifest.json manifest.sig || fail "the signature over manifest.json"
    echo "ok: manifest.json is signed by the key in account.pem"
fi

# ---- 3. The checkpoint is signed by the log's key.
# A log's key "name+id+base64": its 32 bytes go to $tmp/key.ID; gives $id.
key() {
    id=${1#*+}
    k=${id#*+}
    id=${id%%+*}
    case $id in ???????? ) ;; *) fail "no key of a log: $1" ;; esac
    case $id in *[!0-9a-f]*) fail "no key of a log: $1" ;; esac
    printf %s "$k" | base64 -d | tail -c 32 > "$tmp/key.$id"
}
# Splits a signed note: its text, and in $tmp/sig.ID the signatures under the log's name.
split() {
    text=yes
    n=0
    : > "$tmp/text"
    rm -f "$tmp"/sig.*
    while IFS= read -r line; do
        if [ -z "$line" ]; then text=no; continue; fi
        if [ $text = yes ]; then
            printf '%s\n' "$line" >> "$tmp/text"
            n=$((n + 1))
            case $n in 1) l1=$line ;; 2) l2=$line ;; 3) l3=$line ;; 4) l4=$line ;; 5) l5=$line ;; esac
        else
            case $line in "— $log "*) ;; *) continue ;; esac
            printf %s "${line##* }" | base64 -d > "$tmp/line"
            tail -c 64 "$tmp/line" > "$tmp/sig.$(head -c 4 "$tmp/line" | hex)"
        fi
    done < "$1"
}
# The log's checkpoint $1, signed by one of the keys whose ids follow; gives origin, size, root.
note() {
    f=$1
    shift
    split "$f"
    [ $n -ge 3 ] && [ "$l1" = "$log" ] || fail "$f is no checkpoint of $log"
    size=$l2
    root=$l3
    for id in "$@"; do
        if [ -f "$tmp/sig.$id" ] && signed "$tmp/key.$id" "$tmp/text" "$tmp/sig.$id"; then return 0; fi
    done
    fail "the log's signature in $f"
}
vkey=$(cat vkey)
log=${vkey%%+*}
key "$vkey"
ids=$id
note checkpoint "$id"
top=$size
top_root=$root
echo "ok: the checkpoint over $top entries is signed by the log's key (vkey)"
# The keys that it had before, each of which signed that the next is the log's.
if [ -d rotated ]; then
    more=yes
    while [ $more = yes ]; do
        more=no
        for f in rotated/*; do
            split "$f"
            if [ $n -ne 5 ] || [ "$l1" != "ebb log key rotation v1" ] || [ "$l5" != "$vkey" ]; then continue; fi
            key "$l5"
            [ -f "$tmp/sig.$id" ] && signed "$tmp/key.$id" "$tmp/text" "$tmp/sig.$id" || fail "the later key's signature in $f"
            key "$l4"
            [ -f "$tmp/sig.$id" ] && signed "$tmp/key.$id" "$tmp/text" "$tmp/sig.$id" || fail "the earlier key's signature in $f"
            case " $ids " in *" $id "*) fail "the keys in rotated/ go round in a circle" ;; esac
            ids="$ids $id"
            vkey=$l4
            more=yes
            echo "ok: before entry $l3 the log's key was $l4"
        done
    done
fi

# ---- 4. Each entry is in the log, at its place (RFC 9162, 2.1.3.2), and says what is shown of it.
node() { { printf '\001'; printf %s "$1" | base64 -d; printf %s "$2" | base64 -d; } | hash; }
# The same, as $r. What was hashed at this place before, $1, is looked up: entries share most of their paths.
node_at() {
    if [ -f "$tmp/node.$1" ]; then
        read -r a b r < "$tmp/node.$1"
        if [ "$a $b" = "$2 $3" ]; then return; fi
    fi
    r=$(node "$2" "$3")
    printf '%s %s %s\n' "$2" "$3" "$r" > "$tmp/node.$1"
}
path_leads() { # $1: file of the proof, $2: index, $3: hash of the leaf
    fn=$2
    sn=$((top - 1))
    r=$3
    n=0
    while IFS= read -r p; do
        n=$((n + 1))
        if [ -z "$p" ]; then break; fi
        case $n in
        1) [ "$p" = c2sp.org/tlog-proof@v1 ] || return 1; continue ;;
        2) [ "$p" = "index $2" ] || return 1; continue ;;
        esac
        if [ $sn -eq 0 ]; then return 1; fi
        if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq $sn ]; then
            node_at $n.$fn "$p" "$r"
            while [ $((fn & 1)) -eq 0 ] && [ "$fn" -ne 0 ]; do fn=$((fn >> 1)); sn=$((sn >> 1)); done
        else
            node_at $n.$((fn + 1)) "$r" "$p"
        fi
        fn=$((fn >> 1))
        sn=$((sn >> 1))
    done < "$1"
    [ "$2" -lt "$top" ] && [ $sn -eq 0 ] && [ "$r" = "$top_root" ] || return 1
    [ "$(tail -n +$((n + 1)) "$1" | sha256sum)" = "$(sha256sum < checkpoint)" ]
}
count=0
withheld=0
last=0
for leaf in entries/*.leaf; do
    e=${leaf%.leaf}
    i=${e#entries/}
    [ "$(wc -c < "$leaf")" -eq 68 ] || fail "$leaf is no leaf"
    path_leads "$e.proof" "$i" "$({ printf '\000'; cat "$leaf"; } | hash)" || fail "entry $i is not in the log"
    if [ -f "$e.salt" ]; then
        [ "$(cat "$e.salt" "$e.cbor" | hash)" = "$(tail -c 32 "$leaf" | base64)" ] || fail "entry $i says something else"
        echo "ok: entry $i is in the log, and says what entries/$i.cbor has"
    else
        [ -f "$e.withheld" ] || fail "entry $i: its words are missing"
        withheld=$((withheld + 1))
        echo "ok: entry $i is in the log. NOT PROVED: what it says. $(cat "$e.withheld")"
    fi
    if [ -f "$e.blobs" ]; then
        while IFS= read -r b; do
            [ -f "blobs/$b" ] || fail "blobs/$b is missing"
            case $(hex < "$e.cbor") in *"$b"*) ;; *) fail "entry $i does not name blobs/$b" ;; esac
        done < "$e.blobs"
    fi
    if [ "$i" -gt "$last" ]; then last=$i; fi
    count=$((count + 1))
done

# ---- 5. Files that entries point at are named by their hash.
if [ -d blobs ]; then
    for b in blobs/*; do
        [ "$(sum "$b")" = "${b#blobs/}" ] || fail "$b is another file"
    done
    echo "ok: each file in blobs/ has the hash that is its name, and an entry names it"
fi

# ---- 6. The signer's key is that of their account on the log.
if [ -f account.entry ]; then
    i=$(cat account.entry)
    case $(hex < "entries/$i.cbor") in *"$(hex < "$tmp/account")"*) ;; *) fail "entry $i does not name the key in account.pem" ;; esac
    echo "ok: entry $i puts the key in account.pem on the log"
fi

# An earlier checkpoint's tree is the beginning of this one's (RFC 9162, 2.1.4.2). $1: file of the proof.
begins() {
    [ "$size" -gt 0 ] && [ "$size" -le "$top" ] || return 1
    if [ "$size" -eq "$top" ]; then [ "$root" = "$top_root" ]; return; fi
    fn=$((size - 1))
    sn=$((top - 1))
    while [ $((fn & 1)) -eq 1 ]; do fn=$((fn >> 1)); sn=$((sn >> 1)); done
    fr=
    if [ $fn -eq 0 ]; then fr=$root; sr=$root; fi
    while IFS= read -r p; do
        if [ -z "$fr" ]; then fr=$p; sr=$p; continue; fi
        if [ $sn -eq 0 ]; then return 1; fi
        if [ $((fn & 1)) -eq 1 ] || [ $fn -eq $sn ]; then
            fr=$(node "$p" "$fr")
            sr=$(node "$p" "$sr")
            while [ $((fn & 1)) -eq 0 ] && [ $fn -ne 0 ]; do fn=$((fn >> 1)); sn=$((sn >> 1)); done
        else
            sr=$(node "$sr" "$p")
        fi
        fn=$((fn >> 1))
        sn=$((sn >> 1))
    done < "$1"
    [ $sn -eq 0 ] && [ "$fr" = "$root" ] && [ "$sr" = "$top_root" ]
}
covers() {
    if [ "$last" -lt "$size" ]; then echo "all entries of this exhibit"; else echo "those of its entries below $size"; fi
}

# ---- 7. Witnesses saw the log, and that it only grew.
if [ -d witness ]; then
    note witness/checkpoint $ids
    begins witness/consistency || fail "the witnesses' checkpoint is not of this log"
    while IFS= read -r v; do
        name=${v%%+*}
        v=${v#*+}
        id=${v%%+*}
        printf %s "${v#*+}" | base64 -d | tail -c 32 > "$tmp/wkey"
        good=no
        while IFS= read -r line; do
            case $line in "— $name "*) ;; *) continue ;; esac
            printf %s "${line##* }" | base64 -d > "$tmp/line"
            if [ "$(head -c 4 "$tmp/line" | hex)" != "$id" ]; then continue; fi
            tail -c 64 "$tmp/line" > "$tmp/wsig"
            when=$((0x$(tail -c +5 "$tmp/line" | head -c 8 | hex)))
            { printf 'cosignature/v1\ntime %s\n' $when; cat "$tmp/text"; } > "$tmp/wtext"
            if signed "$tmp/wkey" "$tmp/wtext" "$tmp/wsig"; then good=yes; fi
        done < witness/checkpoint
        [ $good = yes ] || fail "the signature of witness $name"
        echo "ok: witness $name signed at $(date -u -d "@$when" '+%Y-%m-%d %H:%M:%S UTC') that the log had $size entries: $(covers)"
    done < witness/vkeys
fi

# ---- 8. A time stamp authority saw the log (RFC 3161).
if [ -d timestamp ]; then
    note timestamp/checkpoint $ids
    begins timestamp/consistency || fail "the stamped checkpoint is not of this log"
    openssl ts -verify -data timestamp/checkpoint -in timestamp/token.tsr -CAfile timestamp/ca.pem \
        -attime "$(cat timestamp/when)" > "$tmp/said" 2>&1 || fail "the time stamp: $(cat "$tmp/said")"
    openssl ts -reply -in timestamp/token.tsr -text 2> /dev/null > "$tmp/token"
    while IFS= read -r line; do
        case $line in 'Time stamp: '*) time=${line#Time stamp: } ;; esac
    done < "$tmp/token"
    echo "ok: $(cat timestamp/authority) stamped at $time that the log had $size entries: $(covers)"
fi

# This script is what the manifest has, once more: a script that was changed may have left out step 1.
case $(listed) in *"$(sum verify.sh)  verify.sh"*) ;; *) fail "verify.sh is another one" ;; esac
echo "The exhibit holds: $count entries of the log $log, of which $withheld do not show their words."
