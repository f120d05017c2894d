# Installs the dependencies when they are missing or older than the lock file, so that every npm script works in a fresh clone.
# Mostly there is nothing to do, and a shell sees that long before a Node would have started.
[ node_modules/.package-lock.json -nt package-lock.json ] && [ -x node_modules/.bin/node ] || exec node scripts/install.mjs
