#!/usr/bin/env python3
"""Builds the front end and makes it part of the program: a C file with a table of the built files (src/web/assets.h) and
one file of their bytes, which the assembler takes in.

Without node (-Dweb=false) it is the public pages' style alone: they need no script. Where there is no network, as when a
package is built, what was built before is taken (--prebuilt), if it was built from these sources.

Usage: pack.py --source WEB --work DIR --c FILE --bytes FILE --depfile FILE [--npm NPM --node NODE | --prebuilt DIR]
       pack.py --source WEB --work DIR --keep DIR --npm NPM --node NODE      builds, and keeps what was built for --prebuilt
"""
import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys

TYPES = {
    '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml', '.json': 'application/json', '.wasm': 'application/wasm', '.woff2': 'font/woff2',
}
NPM_TRIES = 2
NPM_SECONDS = 300
BUILD_SECONDS = 300
IMPORT = re.compile(r'@import\s+(?:url\()?["\']([^"\']+)["\']\)?\s*;')


def sources(web):
    """Every file that the build reads, relative to web/."""
    found = []
    for folder, folders, files in os.walk(web):
        folders[:] = sorted(f for f in folders if f not in ('node_modules', 'dist', 'prebuilt', 'words', '__pycache__', '.test'))
        found += [os.path.relpath(os.path.join(folder, f), web) for f in sorted(files)]
    return found


def copy_if_other(source, target):
    data = open(source, 'rb').read()
    if os.path.exists(target) and open(target, 'rb').read() == data:
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, 'wb') as f:
        f.write(data)


def mirror(web, work, files):
    """The work folder's sources are those of web/: no more and no less."""
    for name in sources(work):
        if name not in files and name not in ('.installed', 'npm.log', 'build.log'):
            os.unlink(os.path.join(work, name))
    for name in files:
        copy_if_other(os.path.join(web, name), os.path.join(work, name))


def run(command, work, log, seconds, env):
    path = os.path.join(work, log)
    with open(path, 'wb') as out:
        try:
            code = subprocess.run(command, cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                  timeout=seconds).returncode
        except subprocess.TimeoutExpired:
            code = 'no end after %d s' % seconds
    return code, open(path, errors='replace').read()[-3000:]


def install(args, env):
    """`npm ci`, once for each lock file."""
    mark = os.path.join(args.work, '.installed')
    lock = hashlib.sha256(open(os.path.join(args.work, 'package-lock.json'), 'rb').read()).hexdigest()
    if os.path.exists(mark) and open(mark).read() == lock:
        return
    for _ in range(NPM_TRIES):
        code, said = run([args.npm, 'ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], args.work,
                         'npm.log', NPM_SECONDS, env)
        if code == 0:
            with open(mark, 'w') as f:
                f.write(lock)
            return
    sys.exit('%s\nweb: `npm ci` failed (%s). Without the desk\'s pages: meson configure -Dweb=false' % (said, code))


def built(args, files):
    """{path below /assets/: bytes} by way of node."""
    env = dict(os.environ, NODE_ENV='production', CI='1', npm_config_update_notifier='false')
    env['PATH'] = os.path.dirname(args.node) + os.pathsep + env.get('PATH', '')
    mirror(args.source, args.work, files)
    install(args, env)
    dist = os.path.join(args.work, 'dist')
    shutil.rmtree(dist, ignore_errors=True)
    code, said = run([args.node, 'build/build.mjs'], args.work, 'build.log', BUILD_SECONDS, env)
    if code != 0:
        sys.exit('%s\nweb: the front end does not build (%s)' % (said, code))
    found = {}
    for folder, _, names in os.walk(dist):
        for name in names:
            if name != 'ignored.js':
                found[name] = open(os.path.join(folder, name), 'rb').read()
    return found


def sources_digest(web, files):
    """One digest of the names and bytes of all that the build reads."""
    digest = hashlib.sha256()
    for name in sorted(files):
        data = open(os.path.join(web, name), 'rb').read()
        digest.update(('%s %d\n' % (name, len(data))).encode() + data)
    return digest.hexdigest()


def keep(folder, found, digest):
    """Writes what was built, with a list of it, for prebuilt() to take."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    lines = ['sources %s' % digest]
    for name in sorted(found):
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(found[name])
        lines.append('%s %s' % (hashlib.sha256(found[name]).hexdigest(), name))
    with open(os.path.join(folder, 'MANIFEST'), 'w') as f:
        f.write('\n'.join(lines) + '\n')


def prebuilt(folder, digest):
    """{path below /assets/: bytes}, as keep() wrote it; not if it is of other sources or was changed."""
    with open(os.path.join(folder, 'MANIFEST')) as f:
        first, *lines = f.read().splitlines()
    if first != 'sources %s' % digest:
        sys.exit('web: %s was built from other sources than these: scripts/dist-deb builds it anew' % folder)
    found = {}
    for line in lines:
        digest, name = line.split(' ', 1)
        found[name] = open(os.path.join(folder, os.path.basename(name)), 'rb').read()
        if hashlib.sha256(found[name]).hexdigest() != digest:
            sys.exit('web: %s is not what was built' % os.path.join(folder, name))
    return found


def style_alone(web):
    """The public pages' style with what it imports put in."""
    def text(path):
        here = os.path.dirname(path)
        return IMPORT.sub(lambda m: text(os.path.join(here, m.group(1))), open(path, encoding='utf-8').read())
    path = os.path.join(web, 'src', 'public.css')
    return {'public.css': text(path).encode()} if os.path.exists(path) else {}


def pack(found, c_path, bytes_path):
    blob = bytearray()
    rows = []
    for name in sorted(found):
        data = found[name]
        ending = os.path.splitext(name)[1]
        if ending not in TYPES:
            sys.exit('web: no type for %s' % name)
        squeezed = gzip.compress(data, 9, mtime=0)
        if len(squeezed) + 64 > len(data):
            squeezed = b''
        rows.append((name, TYPES[ending], hashlib.sha256(data).hexdigest()[:32], len(blob), len(data),
                     len(blob) + len(data), len(squeezed)))
        blob += data + squeezed
    with open(bytes_path, 'wb') as f:
        f.write(blob or b'\0')
    out = ['/* Made by web/build/pack.py of %s. */' % hashlib.sha256(blob).hexdigest(),
           '#include "web/assets.h"', '',
           '__asm__(".pushsection .rodata\\n"',
           '        ".balign 16\\n"',
           '        ".global web_assets_bytes\\n"',
           '        "web_assets_bytes: .incbin \\"%s\\"\\n"' % bytes_path.replace('\\', '\\\\').replace('"', '\\"'),
           '        ".popsection\\n");',
           'extern const uint8_t web_assets_bytes[] __attribute__((visibility("hidden")));', '',
           'const struct web_asset web_assets[] = {']
    for name, kind, etag, at, n, gzip_at, gzip_n in rows:
        squeezed = '{web_assets_bytes + %d, %d}' % (gzip_at, gzip_n) if gzip_n else '{0}'
        out.append('    {"/assets/%s", "%s", "%s", {web_assets_bytes + %d, %d}, %s},'
                   % (name, kind, etag, at, n, squeezed))
    out += ['    {0},', '};', '']
    with open(c_path, 'w') as f:
        f.write('\n'.join(out))


def main():
    parser = argparse.ArgumentParser()
    for name in ('source', 'work'):
        parser.add_argument('--' + name, required=True, type=os.path.abspath)
    for name in ('c', 'bytes', 'keep', 'prebuilt'):
        parser.add_argument('--' + name, type=os.path.abspath)
    for name in ('depfile', 'npm', 'node'):
        parser.add_argument('--' + name)
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    files = sources(args.source)
    if args.prebuilt:
        found = prebuilt(args.prebuilt, sources_digest(args.source, files))
    else:
        found = built(args, files) if args.npm and args.node else style_alone(args.source)
    if args.keep:
        keep(args.keep, found, sources_digest(args.source, files))
        return
    icon = os.path.join(args.source, 'icon.svg')
    if os.path.exists(icon):
        found['icon.svg'] = open(icon, 'rb').read()
    pack(found, args.c, args.bytes)
    wanted = [os.path.join(args.source, f) for f in files]
    with open(args.depfile, 'w') as f:
        f.write('%s: %s\n' % (os.path.relpath(args.c), ' '.join(w.replace(' ', '\\ ') for w in wanted)))


if __name__ == '__main__':
    main()
