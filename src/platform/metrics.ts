import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

/** Prometheus metrics of one process. Labels are of low cardinality: never a member, an address or a message. */
export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    submissions: new Counter({
      name: "atmos_submissions_total",
      help: "Decisions at submission, by outcome (accept, hold, defer, refuse; end of a connection) and reason",
      labelNames: ["outcome", "reason"] as const,
      registers,
    }),
    acceptSeconds: new Histogram({
      name: "atmos_accept_seconds",
      help: "From the final dot to 250: signing and the commit of the spool",
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    attempts: new Counter({
      name: "atmos_attempts_total",
      help: "Delivery attempts, by outcome and provider",
      labelNames: ["outcome", "provider"] as const,
      registers,
    }),
    shapingMeasures: new Counter({
      name: "atmos_shaping_measures_total",
      help: "Measures that replies asked for (slow-down, pause-provider, suspend-member), by provider",
      labelNames: ["measure", "provider"] as const,
      registers,
    }),
    waits: new Counter({
      name: "atmos_delivery_waits_total",
      help: "Recipients that went back to the queue although nobody was asked, by provider",
      labelNames: ["provider"] as const,
      registers,
    }),
    transports: new Counter({
      name: "atmos_transports_total",
      help: "Recipients whose mail a host took, by what it had to show (dane, mta-sts, requiretls, operator, floor, exception) and whether it went under TLS (tls, clear)",
      labelNames: ["needed", "went"] as const,
      registers,
    }),
    tlsSessions: new Counter({
      name: "atmos_tls_sessions_total",
      help: "TLS sessions that were tried with mail hosts, by the policy of the domain (tlsa, sts, no-policy-found) and result (success, or a type of RFC 8460)",
      labelNames: ["policy", "result"] as const,
      registers,
    }),
    tlsUncounted: new Counter({
      name: "atmos_tls_sessions_uncounted_total",
      help: "TLS sessions that found no room in the counts for reports",
      registers,
    }),
    tlsReports: new Counter({
      name: "atmos_tls_reports_total",
      help: "Tries to send TLS reports, by outcome (posted, mailed, delivered, bounced, lost, failed, refused, unwanted)",
      labelNames: ["outcome"] as const,
      registers,
    }),
    tlsReportsFailing: new Gauge({
      name: "atmos_tls_reports_given_up",
      help: "TLS reports of the last week that reached nobody",
      registers,
    }),
    clockSteps: new Counter({
      name: "atmos_clock_steps_total",
      help: "Times that the clock of a relay node was found more than an hour ahead of what was expected, or behind it",
      labelNames: ["direction"] as const,
      registers,
    }),
    inbound: new Counter({
      name: "atmos_inbound_total",
      help: "Mail that came in on port 25, and recipients that were refused, by outcome",
      labelNames: ["outcome"] as const,
      registers,
    }),
    reports: new Counter({
      name: "atmos_reports_total",
      help: "DMARC and TLS reports, by what came of each domain that they are about",
      labelNames: ["kind", "outcome"] as const,
      registers,
    }),
    complaintsUnmatched: new Counter({
      name: "atmos_complaints_unmatched_total",
      help: "Complaints that match no message of ours",
      registers,
    }),
    inboxOpen: new Gauge({
      name: "atmos_inbox_open",
      help: "Entries of the committee's inbox that wait for a person, by folder",
      labelNames: ["folder"] as const,
      registers,
    }),
    queue: new Gauge({
      name: "atmos_queue_recipients",
      help: "Recipients in the spool, by state",
      labelNames: ["state"] as const,
      registers,
    }),
    events: new Counter({
      name: "atmos_events_total",
      help: "Events handled by core, by action",
      labelNames: ["action"] as const,
      registers,
    }),
    ruleErrors: new Counter({
      name: "atmos_rule_errors_total",
      help: "Times that a rule gave no answer, by rule and why (error, budget)",
      labelNames: ["rule", "why"] as const,
      registers,
    }),
    rulesRefused: new Gauge({
      name: "atmos_rules_refused",
      help: "1 while the rule directory is refused and the last good rules stay in force",
      registers,
    }),
    standingChanges: new Counter({
      name: "atmos_standing_changes_total",
      help: "Changes of standing, by new standing",
      labelNames: ["to"] as const,
      registers,
    }),
    incidents: new Counter({
      name: "atmos_provider_incidents_total",
      help: "Incidents of providers that were undone, a growing one each time",
      labelNames: ["provider"] as const,
      registers,
    }),
    verdictSeconds: new Histogram({
      name: "atmos_verdict_seconds",
      help: "From an event's time to the end of its evaluation",
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300],
      registers,
    }),
    labels: new Counter({
      name: "atmos_labels_total",
      help: "Labels signed, by kind (assert, negate)",
      labelNames: ["kind"] as const,
      registers,
    }),
    nodeState: new Gauge({
      name: "atmos_node_state",
      help: "1 for what this relay node of a pool may do (serving, draining, cut-off, silent)",
      labelNames: ["state"] as const,
      registers,
    }),
    leasesUnanswered: new Gauge({
      name: "atmos_leases_unanswered",
      help: "Members for whom core has not answered for 15 seconds how much of their limits this node may spend",
      registers,
    }),
    ospreyWaiting: new Gauge({
      name: "atmos_osprey_waiting",
      help: "Events that Osprey's workers were asked about and have not answered",
      registers,
    }),
    ruleDifferences: new Counter({
      name: "atmos_rule_differences_total",
      help: "Events of which Osprey's workers and the embedded engine do not say the same",
      registers,
    }),
    policiesRefused: new Counter({
      name: "atmos_policies_refused_total",
      help: "Policy snapshots that came over the brokers and were not believed",
      registers,
    }),
    busWaiting: new Gauge({
      name: "atmos_bus_waiting",
      help: "Messages that wait on this disk for the brokers",
      registers,
    }),
    labelSubscribers: new Gauge({
      name: "atmos_label_subscribers",
      help: "Open subscribeLabels connections",
      registers,
    }),
    checks: new Counter({
      name: "atmos_domain_checks_total",
      help: "Checks of attested domains, by outcome",
      labelNames: ["outcome"] as const,
      registers,
    }),
    zoneEntries: new Gauge({
      name: "atmos_zone_entries",
      help: "Domains in the published allowlist",
      registers,
    }),
    certificateDays: new Gauge({
      name: "atmos_certificate_days_left",
      help: "Days until the certificate of submission and inbound expires",
      registers,
    }),
    certificateFaults: new Counter({
      name: "atmos_certificate_faults_total",
      help: "New certificates that were refused, and orders by ACME that failed",
      registers,
    }),
    egressAddresses: new Gauge({
      name: "atmos_egress_addresses",
      help: "Addresses that mail leaves from, by state (in-use, out)",
      labelNames: ["state"] as const,
      registers,
    }),
    egressListings: new Gauge({
      name: "atmos_egress_listings",
      help: "Entries of public blocklists about our egress addresses",
      registers,
    }),
    warmupWaits: new Counter({
      name: "atmos_warmup_waits_total",
      help: "Messages that no egress address could take at that time, by provider",
      labelNames: ["provider"] as const,
      registers,
    }),
    warmupStepsBack: new Counter({
      name: "atmos_warmup_steps_back_total",
      help: "Stages of warm-up that were lowered, by provider",
      labelNames: ["provider"] as const,
      registers,
    }),
    shapingFileFaulty: new Gauge({
      name: "atmos_shaping_file_faulty",
      help: "1 while the shaping file that is there is refused and the last good one is in force",
      registers,
    }),
    zonePublished: new Gauge({
      name: "atmos_zone_published_timestamp_seconds",
      help: "When the zone was last published",
      registers,
    }),
  };
}
