import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startCertificateAuthority, type CertificateAuthority } from "./certificate.ts";
import {
  accepts,
  cacheDirectory,
  complete,
  freePort,
  removeDirectory,
  run,
  temporaryDirectory,
  type Running,
  type Server,
} from "./process.ts";

export interface KafkaOptions {
  /** TLS, and a password for each client: SASL PLAIN and SCRAM-SHA-512 by these. */
  users?: Record<string, string>;
}

export interface Kafka extends Server {
  /** `host:port`. */
  broker: string;
  /** The authority of its certificate, PEM; undefined in clear. */
  ca: string | undefined;
  /** Stops the broker, and starts it again over what it had. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** As `kill -9` does. */
  kill(): Promise<void>;
  log(): string;
}

const host = "127.0.0.1";
const CLUSTER = "4L6g3nShT-eMCtK--X86sw";

/** A real broker from its published jars: one node, KRaft, loopback. */
export async function startKafka({ users }: KafkaOptions = {}): Promise<Kafka> {
  const directory = await temporaryDirectory("kafka");
  const [port, controller] = [await freePort(), await freePort()];
  const jars = join(cacheDirectory(), "kafka", "*");
  const authority = users && (await startCertificateAuthority());
  const file = join(directory, "server.properties");
  await writeFile(file, await settings({ port, controller, directory, users, authority }));
  const java = ["-Xmx512m", "-XX:+UseSerialGC", "-cp", jars];
  const scram = Object.entries(users ?? {}).flatMap(([name, password]) => [
    "--add-scram",
    `SCRAM-SHA-512=[name=${name},password=${password}]`,
  ]);
  await complete("java", [...java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", file, ...scram]);
  let running: Running | undefined;
  async function up(): Promise<void> {
    running ??= await run("java", [...java, "kafka.Kafka", file], {
      cwd: directory,
      ready: (output) => output.includes("Kafka Server started") || accepts({ host, port }),
      readyTimeoutMs: 60_000,
    });
  }
  async function down(): Promise<void> {
    await running?.stop();
    running = undefined;
  }
  const stop = async () => {
    await down();
    await authority?.stop();
    await removeDirectory(directory);
  };
  try {
    await up();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    broker: `${host}:${port}`,
    ca: authority?.cert,
    up,
    down,
    async kill() {
      process.kill(running!.pid, "SIGKILL");
      await running!.exited;
      running = undefined;
    },
    log: () => running?.output() ?? "",
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

type Place = {
  port: number;
  controller: number;
  directory: string;
  users: Record<string, string> | undefined;
  authority: CertificateAuthority | undefined;
};

async function settings({ port, controller, directory, users, authority }: Place): Promise<string> {
  const name = users ? "SASL_SSL" : "PLAINTEXT";
  const lines = [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@${host}:${controller}`,
    `listeners=${name}://${host}:${port},CONTROLLER://${host}:${controller}`,
    `advertised.listeners=${name}://${host}:${port}`,
    `listener.security.protocol.map=CONTROLLER:PLAINTEXT,${name}:${name}`,
    "controller.listener.names=CONTROLLER",
    `inter.broker.listener.name=${name}`,
    `log.dirs=${join(directory, "data")}`,
    "default.replication.factor=1",
    "offsets.topic.replication.factor=1",
    "offsets.topic.num.partitions=1",
    "group.initial.rebalance.delay.ms=0",
    // Nobody makes a topic by asking for it.
    "auto.create.topics.enable=false",
  ];
  if (users && authority) {
    const { key, cert } = await authority.issue("localhost", host);
    const store = join(directory, "server.pem");
    await writeFile(store, `${await pkcs8(key, directory)}${cert}`);
    const plain = Object.entries(users).map(([user, password]) => `user_${user}="${password}"`);
    const [[first, secret]] = Object.entries(users) as [[string, string]];
    lines.push(
      "ssl.keystore.type=PEM",
      `ssl.keystore.location=${store}`,
      "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
      "sasl.mechanism.inter.broker.protocol=PLAIN",
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${authority.certPath}`,
      `listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="${first}" password="${secret}" ${plain.join(" ")};`,
      "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;",
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Java reads keys in PKCS #8 alone. */
async function pkcs8(key: string, directory: string): Promise<string> {
  const from = join(directory, "server.key");
  await writeFile(from, key);
  const to = join(directory, "server.p8");
  await complete("openssl", ["pkcs8", "-topk8", "-nocrypt", "-in", from, "-out", to]);
  return readFile(to, "utf8");
}
