/** Every code that a check may give, with why it matters. The lexicon `community.email.defs#findingCode` lists them. */
export const WHY = {
  "dns-timeout": "Without an answer nothing is known: neither that a record is there nor that it is missing.",
  "dns-servfail":
    "The name servers of the domain, or the way to them, are broken; senders put such mail off.",
  "dns-bogus":
    "Validating resolvers withhold data with a broken signature, so a part of the world sees nothing.",
  "dns-no-answer":
    "Without an answer nothing is known: neither that a record is there nor that it is missing.",

  "control-unknown-did": "Control is proven for an account; without one there is nothing to compare.",
  "control-missing": "Only who controls the DNS of a domain may speak for its mail.",
  "control-other-did": "Only who controls the DNS of a domain may speak for its mail.",
  "control-https-only":
    "A handle proven over HTTPS is answered by a web server, which may be somebody else's PDS. It proves no control of the DNS.",
  "control-by-key":
    "A key that was made for this account alone stands in the DNS, so its owner put it there.",

  "mx-missing": "Nobody can answer the mail of such a domain, and many hosts refuse mail from it.",
  "mx-implicit": "Senders fall back to the address of the domain, which is often a web server.",
  "mx-null":
    "A null MX (RFC 7505) says that the domain receives no mail, bounces included; many hosts refuse its mail.",
  "mx-null-mixed": "A null MX stands alone (RFC 7505 section 3); beside others senders do as they like.",
  "mx-not-in-dns": "The record and the DNS must say the same, or others cannot rely on either.",
  "mx-not-attested": "The record and the DNS must say the same, or others cannot rely on either.",
  "mx-no-address": "A host without an address cannot be reached.",
  "mx-is-alias":
    "An MX record must name a host with addresses of its own (RFC 2181 section 10.3); some senders refuse an alias.",
  "mx-is-address":
    "An MX record names a host; senders look for a host with that name and find none (RFC 1035 section 3.3.9).",
  "mx-unreachable": "Mail to the domain, bounces included, reaches nobody.",
  "mx-private-address": "Hosts on the internet cannot reach a private or reserved address (RFC 6890).",

  "spf-missing":
    "Anybody may use the domain as an envelope sender, and Gmail and Microsoft count its mail as unauthenticated.",
  "spf-multiple":
    "More than one SPF record is a permanent error (RFC 7208 section 4.5): none of them counts.",
  "spf-syntax": "One unreadable term makes the whole record a permanent error (RFC 7208 section 4.6).",
  "spf-too-many-lookups":
    "Receivers stop at the eleventh lookup with a permanent error (RFC 7208 section 4.6.4).",
  "spf-too-many-voids": "Receivers stop at the third lookup that finds nothing (RFC 7208 section 4.6.4).",
  "spf-void-lookup":
    "Receivers allow two lookups that find nothing; whoever registers a lapsed name may send for you.",
  "spf-include-broken":
    "An include of nothing usable is a permanent error (RFC 7208 section 5.2): the record does not count.",
  "spf-allows-all":
    "Every host on the internet may send for the domain, so SPF says nothing, and DMARC can be passed by anybody.",
  "spf-no-ending": "Without an ending the record says nothing about hosts that it does not name.",
  "spf-unread": "Terms after all, and a redirect beside it, are not read (RFC 7208 sections 5.1 and 6.1).",
  "spf-ptr": "ptr is slow and unreliable, and large receivers pass over it (RFC 7208 section 5.5).",
  "spf-pool-missing":
    "Mail that the relay sends fails SPF, and Microsoft asks volume senders to pass both SPF and DKIM.",
  "spf-pool-not-passing": "Mail that the relay sends fails SPF although the record names it.",
  "spf-egress-not-passing":
    "An address that sends for the domain and that SPF does not name looks like a forger.",
  "return-path-elsewhere":
    "Bounces of relayed mail then use the relay's own name, and SPF does not align with the domain.",
  "return-path-not-passing": "Relayed mail carries the bounce name, so SPF is judged there.",

  "dkim-none-attested": "Without a key there is nothing by which mail of the domain can be recognised.",
  "dkim-not-checked": "DKIM keys stand under selectors that cannot be listed.",
  "dkim-missing": "Mail signed with this selector fails DKIM everywhere.",
  "dkim-multiple":
    "Receivers may take any one of several records (RFC 6376 section 3.6.2.2), so signatures fail by chance.",
  "dkim-split": "A long key is one record of several strings; several records are several broken keys.",
  "dkim-syntax": "A key that cannot be read is no key: signatures fail.",
  "dkim-revoked": "An empty p= withdraws the key (RFC 6376 section 3.6.1): signatures fail.",
  "dkim-weak": "Receivers do not accept RSA keys below 1024 bits (RFC 8301 section 3.2).",
  "dkim-short": "RSA of 1024 bits is the least that is accepted; RFC 8301 asks for 2048.",
  "dkim-long": "Verifiers need only handle RSA up to 4096 bits (RFC 8301 section 3.2).",
  "dkim-ed25519-only":
    "Several large receivers do not verify Ed25519 (RFC 8463): to them the mail is unsigned.",
  "dkim-testing": "With t=y receivers may treat a failed signature like none (RFC 6376 section 3.6.1).",
  "dkim-strict":
    "With t=s the identity in a signature must be of the very domain; a subdomain's fails (RFC 6376 section 3.6.1).",
  "dkim-not-for-mail": "A key for another service must not be used for mail (RFC 6376 section 3.6.1, tag s).",
  "dkim-not-sha256":
    "SHA-1 signatures are not valid any more (RFC 8301 section 3.1), and the key allows nothing else.",
  "dkim-other-key":
    "The record and the DNS must name the same key, or a signature proves nothing about the record.",
  "dkim-other-algorithm":
    "The record and the DNS must name the same key, or a signature proves nothing about the record.",

  "dmarc-missing": "Gmail, Yahoo and Microsoft require a DMARC record of those who send more than a little.",
  "dmarc-multiple": "Several DMARC records are no record (RFC 9989 section 4.10).",
  "dmarc-syntax": "A record that cannot be read counts as none: forged mail is delivered, and reports stop.",
  "dmarc-no-policy":
    "Without p= a record counts as p=none for those who follow RFC 9989, and as none at all for older ones.",
  "dmarc-inherited":
    "Without a record of its own, the policy of the organisation applies (RFC 9989 section 4.10).",
  "dmarc-none": "With p=none forged mail is delivered.",
  "dmarc-testing": "With t=y receivers apply one step less than the policy says (RFC 9989 section 4.7).",
  "dmarc-np-weaker":
    "Names that do not exist send no mail of yours: a forger picks them when they are let through.",
  "dmarc-psd":
    "psd=y says that others register names below the domain; its subdomains then no longer align with it.",
  "dmarc-removed-tag": "RFC 9989 removed pct, rf and ri; receivers that follow it pass over them.",
  "dmarc-no-reports": "Without reports nobody tells you of mail of yours that fails, nor of forgers.",
  "dmarc-report-syntax": "Reports go only to mailto: addresses; anything else is passed over.",
  "dmarc-report-unauthorized":
    "A host of another organisation gets no reports unless it says that it wants them (RFC 9990 section 4).",
  "dmarc-report-unknown":
    "A host of another organisation gets no reports unless it says that it wants them (RFC 9990 section 4).",
  "dmarc-strict-spf":
    "The bounce name is a subdomain, which aligns only with aspf=r; DKIM alone carries DMARC.",
  "dmarc-spf-unaligned": "The envelope of relayed mail is the relay's own, so DKIM alone carries DMARC.",

  "ptr-missing": "Most receivers refuse mail from an address without a name.",
  "ptr-not-confirmed":
    "A name counts only when it leads back to the address (forward-confirmed reverse DNS).",
  "ptr-generic": "Names made of the address look like those of customers' lines; some receivers refuse them.",
  "ptr-private-address":
    "Nobody receives mail from a private or reserved address, so the claim cannot be true.",
  "ptr-syntax": "Only one exact address can be vouched for.",

  "mta-sts-missing": "With a policy, senders refuse to hand mail over in clear or to an impostor (RFC 8461).",
  "mta-sts-multiple": "Several records count as none (RFC 8461 section 3.1).",
  "mta-sts-syntax": "A record or policy that cannot be read counts as none.",
  "mta-sts-unreachable":
    "Without its policy the record protects nothing, and senders with an old policy keep to that.",
  "mta-sts-mx-mismatch":
    "Under enforce, senders do not deliver to a host that the policy does not name: mail is lost.",
  "mta-sts-not-enforced": "In mode testing or none a failure is at most reported, not prevented.",
  "mta-sts-short": "A policy of less than a day is forgotten between two mails of most senders.",

  "tls-rpt-missing":
    "Reports (RFC 8460) tell you when senders cannot reach you over TLS; without them mail fails in silence.",
  "tls-rpt-multiple": "Several records count as none (RFC 8460 section 3).",
  "tls-rpt-syntax": "A record that cannot be read counts as none.",

  "dane-missing": "With TLSA records, senders that validate DNSSEC know your certificate (RFC 7672).",
  "dane-secured":
    "Senders that validate DNSSEC deliver only to a server whose certificate matches (RFC 7672 section 2.2).",
  "dane-not-signed": "TLSA records count only under DNSSEC (RFC 7672 section 2.2): these protect nothing.",
  "dane-resolver-not-validating":
    "Whether the chain holds can only be seen by a resolver that validates DNSSEC.",
  "dane-mx-not-signed":
    "When the MX answer is not signed, an attacker may name another host (RFC 7672 section 2.2.1).",
  "dane-unusable": "Senders pass over records that SMTP does not use (RFC 7672 section 3.1).",
  "dane-mismatch":
    "Senders that validate refuse to deliver to a server whose certificate matches no TLSA record.",

  "starttls-unreachable":
    "It may be down, or this machine's network may block port 25: look at it from elsewhere.",
  "starttls-unwilling": "A server that greets with an error takes no mail at that moment.",
  "starttls-missing": "Mail to the domain crosses the network in clear, and some senders refuse that.",
  "starttls-failed": "Offered and broken, TLS keeps mail from senders that insist on it.",
  "starttls-old": "TLS below 1.2 is withdrawn (RFC 8996); many senders cannot speak it any more.",
  "starttls-certificate":
    "Senders that verify, by MTA-STS or of their own accord, refuse such a certificate.",
  "starttls-expires": "When the certificate ends, senders that verify stop delivering.",

  "bimi-missing": "BIMI shows a logo beside authenticated mail at some providers; nothing depends on it.",
  "bimi-syntax": "A record that cannot be read shows no logo.",
  "bimi-no-certificate": "Gmail and Apple show a logo only with a mark certificate (a=).",
  "bimi-needs-dmarc": "BIMI needs DMARC at quarantine or reject, for the organisation too.",
} as const satisfies Record<string, string>;

export type FindingCode = keyof typeof WHY;
