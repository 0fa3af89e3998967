#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpm.sh PG_CONFIG ARCHIVE DEBS FOLDER: builds the RPM packages of the archive (.tar.gz) with this
# machine's rpmbuild, for the server of PG_CONFIG, in FOLDER. Then rpmlint, an installation into a
# root of its own, rpm -V, a file that is damaged, and the list of files against the Debian
# packages in the folder DEBS. Nothing is loaded into a server: Debian's servers have other paths.
set -euo pipefail

real=$(command -v "$1")
archive=$(realpath "$2")
debs=$(realpath "$3")
folder=$(realpath -m "$4")
here=$(dirname "$(dirname "$(realpath "$0")")")
major=$("$real" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
rm -rf "$folder"
mkdir -p "$folder/SOURCES"
cp "$archive" "$folder/SOURCES/"

# The server's headers, and the directories that the server has on such a system.
cat >"$folder/pg_config" <<END
#!/bin/sh
case \$1 in
--pkglibdir) echo /usr/pgsql-$major/lib ;;
--sharedir) echo /usr/pgsql-$major/share ;;
*) exec "$real" "\$@" ;;
esac
END
chmod +x "$folder/pg_config"
# Debian's packages do not satisfy the names of the build's requirements.
rpmbuild -ba --nodeps --define "_topdir $folder" --define "pgmajorversion $major" \
    --define "pg_config $folder/pg_config" --define "debug_package %{nil}" --define "_build_id_links none" --define "_lib lib64" \
    "$here/rpm/pg_session_jwt.spec"
mapfile -t rpms < <(find "$folder/RPMS" -name '*.rpm' | sort)
printf '%s\n' "${rpms[@]##*/}"
((${#rpms[@]} == 5))

rpmlint --config "$here/rpm/rpmlint.toml" --strict "$here/rpm/pg_session_jwt.spec" "${rpms[@]}"

# Its requirements are not in this root: --nodeps. No script of the packages runs there either.
root=$folder/root
mkdir "$root"
rpm --root "$root" --initdb
rpm --root "$root" --install --nodeps --noscripts "${rpms[@]}"
names=$(rpm --root "$root" -qa --qf '%{NAME}\n' | sort | xargs)
[[ $names == "libsjwt libsjwt-devel pg_session_jwt-tools pg_session_jwt_$major pg_session_jwt_$major-fetch" ]]
# shellcheck disable=SC2086  # several names
rpm --root "$root" --verify --nodeps $names
LD_LIBRARY_PATH=$root/usr/lib64 "$root/usr/bin/sjwt" --version

# The same files as Debian's packages, but for documents, at the places of this layout.
rpm_files() { rpm --root "$root" -qa --qf '[%{FILENAMES} %{FILEMODES:perms}\n]'; }
comparable() { sed -E '/ d[rwx-]+$/d; s/ .*//; /\/(doc|licenses|lintian)\//d; s/\.gz$//' | sort; }
for deb in "$debs"/*_*.deb; do
    case $deb in
    *-dbgsym_*) ;;
    *) dpkg-deb -c "$deb" ;;
    esac
done | sed -E -e '/^d/d' -e 's/.* \.(\/[^ ]*)( -> .*)?$/\1/' -e "s|/usr/lib/postgresql/$major/|/usr/pgsql-$major/|" \
    -e "s|/usr/share/postgresql/$major/|/usr/pgsql-$major/share/|" -e 's|/usr/lib/[a-z0-9_]+-linux-gnu/|/usr/lib64/|' -e 's|^/lib/|/usr/lib/|' |
    comparable >"$folder/files.deb"
rpm_files | comparable >"$folder/files.rpm"
diff "$folder/files.deb" "$folder/files.rpm"
echo "$(wc -l <"$folder/files.rpm") files, the same as Debian's"

# rpm -V finds what was changed.
echo >>"$root/usr/pgsql-$major/share/extension/pg_session_jwt.control"
if rpm --root "$root" --verify --nodeps "pg_session_jwt_$major"; then
    echo "rpm -V does not see a changed file"
    exit 1
fi
# shellcheck disable=SC2086
rpm --root "$root" --erase --nodeps --noscripts $names
left=$(find "$root" -path "$root/var" -prune -o \( -name '*sjwt*' -o -name '*session_jwt*' \) -print)
[[ -z $left ]]
