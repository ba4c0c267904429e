#!/usr/bin/env bash
# The jars of a Kafka broker, in the cache, as kafka/pom.xml names them. setup.sh sources this; it uses say, die,
# need_packages, here and cache.

kafka_lock=$(sha256sum <"$here/kafka/pom.xml" | cut -c1-16)
kafka=$cache/kafka-$kafka_lock
command -v java >/dev/null || need_packages openjdk-17-jre-headless
if [ -e "$kafka/.ready" ]; then
  say "Kafka: present"
else
  command -v mvn >/dev/null || need_packages maven
  say "fetching Kafka into $kafka"
  rm -rf "$kafka" "$cache/kafka-work"
  mkdir -p "$kafka"
  mvn -q -B -f "$here/kafka/pom.xml" -Dmaven.repo.local="$cache/kafka-work" dependency:copy-dependencies \
    -DoutputDirectory="$kafka" -DincludeScope=runtime >"$cache/kafka.log" 2>&1 ||
    { tail -n 30 "$cache/kafka.log" >&2; die "Kafka could not be fetched; see $cache/kafka.log"; }
  java -cp "$kafka/*" kafka.tools.StorageTool random-uuid >/dev/null || die "Kafka does not run; see $cache/kafka.log"
  rm -rf "$cache/kafka-work"
  touch "$kafka/.ready"
  find "$cache" -maxdepth 1 -name 'kafka-????????????????' ! -path "$kafka" -exec rm -rf {} +
fi
ln -sfn "$kafka" "$cache/kafka"
