import type { ReplyClass } from "./classify.ts";

/** A class of replies told finer than a sender in conversation needs: whoever reads a bounce does. */
export type FineClass = ReplyClass | "inactive" | "spam" | "configuration" | "relaying" | "permission";

/** What a sender makes of the finer classes. */
export const COARSE: Readonly<Partial<Record<FineClass, ReplyClass>>> = {
  inactive: "bad-mailbox",
  spam: "content",
  configuration: "system",
  relaying: "system",
  permission: "policy",
};

type Phrases = readonly (readonly [FineClass, RegExp])[];

/**
 * What servers write in English where they name the cause, in the order in which it is asked. Words say more than codes
 * (RFC 3463 codes are often the nearest at hand), so they are asked first.
 */
export const CLEAR: Phrases = [
  [
    "greylisted",
    /gr[ea]y[- ]?list|postgrey|try again in \d+ (?:seconds|minutes).*first|\bgreyed\b|not yet authori[sz]ed to deliver/,
  ],
  // Phrases that name a cause in words that mean another elsewhere.
  ["bad-mailbox", /recipient address(?:es)? rejected ?: access denied/],
  [
    "authentication",
    /unresolvable rfc.?5321 from|(?:return|sender|from) (?:e-?mail |mail )?(?:address |domain )+is (?:not valid|invalid)|(?:helo|ehlo) must (?:contain|be)|helo ?host error|unauthori[sz]ed sender|verify mail ?from|(?:postmaster|sender) verification|openspf|anti-?spoofing|invalid dns (?:mx|ptr|a)\b|spoofed|sender verify callout|sender id \(pra\)|sender policy framework|spf\.pobox|invalid mail from|sender domain resolve|sender has no|(?:sender|sending|client|your) ip (?:address )?(?:must|should|does not|doesn.t|cannot) (?:be )?resolve|(?:mail ?from|from address) .{0,30}(?:mismatch|must be|(?:not|n.t) match)/,
  ],
  // A rule in so many words goes before a code; one that is only named (below) does not.
  [
    "permission",
    /(?:not|n't) (?:have permission|permitted) to (?:send|post)|resolver\.rst\.(?!\w{0,20}size)|sender address rejected: access denied|rejected by this user|(?:not|n't) a (?:group |list )?member|not subscribed|not accept e?-?mail over ipv6|mail ?policy violation/,
  ],
  [
    "relaying",
    /smtp auth(?:entication)? (?:is )?(?:required|turned on|in your mail)|authentication (?:is )?required(?! .{0,40}(?:spf|dkim))|unauthori[sz]ed relay|relaying to\b.{0,60}(?:prohibited|denied|not)|(?:not|n't) (?:allowed|permitted|authori[sz]ed) to relay|requires? (?:smtp )?authentication|\bauth failed|sasl authentication failed|cannot authenticate to server|authentication failures|no (?:worthy )?mech(?:anism)?s? (?:available|found)|remote domains (?:are )?not supported|client was not authenticated|local users? only/,
  ],
  [
    "content",
    /reject content|(?:missing a|no) valid address in from|not rfc.complian|banned:|banned (?:file|attach|name|content)|illegal attachment/,
  ],
  [
    "bad-domain",
    /domain may not exist|domain is not reachable|dns lookup failure:.{0,80}not found|(?:^|\d )[\w-]{1,63}(?:\.[\w-]{1,63}){0,7}\.[a-z][a-z-]{1,62} does not exist/,
  ],
  [
    "network",
    /name service error.{0,100}(?:try again|malformed|timeout)|host not found, try again|cname lookup failed temporarily|malformed or unexpected name server|temporary failure in name|no answer from any|all relevant hosts/,
  ],
  [
    "expired",
    /all hosts (?:for .{0,80} )?have been failing for a long time|envelope expired|delivery failed \d+ attempts/,
  ],
  ["mailbox-full", /too many messages (?:on|in) (?:the|his|this)/],
  [
    "blocked",
    /(?:messages|mail) from .{0,60} weren't sent|mail (?:from .{0,60} )?(?:is |are |has been |have been )(?:currently |temporarily )blocked|(?:domain|\bip|server|host) (?:has been|is|was) (?:black|block|deny) ?listed|spammer list|identified as (?:a )?spammer|connection (?:is |was )?rejected|\b(?:sc|ou|dy)-00\d\b|invalid ip for sending|\d\.\d{1,3} (?:is |was )?(?:blocked|denied|refused)|blocked for abuse|service refused|\bhl:(?:rep|mep)\b|\bdt:rbl\b|\bwm:bli\b|black ip\b/,
  ],
  ["inactive", /account is blocked|account (?:is |was |has been )?closed|disableduser/],
  [
    "rate-limited",
    /daily .{0,20}(?:quota|limit)|unusual (?:rate|sending|volume)|receivingrate|rate that prevents|connections? limit|peak smtp|credits? exceeded|\bhl:i[cf]c\b|\b(?:mi|rp):(?:dmc|sfq|drc|qrc)\b|too much (?:e-?mail|mail) in|too many requests|messages? per connection|too many recent messages|excessive volume|connections.{0,60}exceeded (?:a|the) limit/,
  ],
  [
    "bad-mailbox",
    /mailbox name not allowed|recipient.{0,20} not in (?:my|our|the) [\w -]{0,30}(?:list|table|map|directory)|recipient (?:validation|verif[iy]\w*).{0,20}(?:check|fail)|address syntax|malformed (?:recipient|mailbox)|^(?:\d{3} )?malformed address|invalid address format/,
  ],
  [
    "bad-domain",
    /not have any mail exchanger|find a mail exchanger|domain not used for mail|no matches to nameserver|cannot resolve the ip address of the following domain|domain (?:is )?missing|no relevant answers|indicated no smtp service|no mx (?:found|for|hosts?\b)|(?:recipient |destination )domain not found/,
  ],
  [
    "content",
    /media error|(?:not|must be) rfc ?5322|mime\/reject|invalid (?:mime )?structure|multiple subject|multiple from/,
  ],
  [
    "content",
    /invalid data in message|too many .{0,20}headers|duplicate header|headers? too large|header error|multiple addresses in from/,
  ],
  [
    "spam",
    /due to spam|\bdt:sp[bm]\b|url in (?:this|your) .{0,40}listed|anti-?spam checks|spam classification|(?:classified|identified|detected|considered|marked|flagged|tagged|rejected) (?:by .{0,20} )?as (?:being )?(?:likely |possible )?(?:spam|junk|uce|ube|unsolicited)|blacklisted (?:url|link)|uribl|surbl|spam pattern|bulk e?-?mail|looks like spam|spam message|spam content/,
  ],
  [
    "authentication",
    /unverif[iy]+able sending|(?:unroutable|unrouteable|unverifiable|invalid|bad) sender|\brdns\b|mismatches client|address is not verified|ip name lookup failed|(?:must|cannot|could not) .{0,30}resolve .{0,30}(?:sender|sending|client)/,
  ],
  [
    "system",
    /procmail|ldap server|pipe to \||child process|child command|local delivery agent|transport (?:is )?unavailable/,
  ],
  // What is said of the mailbox in so many words, whatever else the reply goes on to say.
  [
    "mailbox-full",
    /over ?quota|quota (?:usage )?(?:exceeded|full|violation)|overdrawn|not (?:have )?enough (?:disk |storage )?space|no (?:more )?space (?:left )?(?:in|for) (?:the |his |your )?(?:user|mailbox)|quotaexceeded|exceeds? (?:the |its |his |disk |mail)*quota|mailbox (?:is )?full|mailfolder is full|exceeded.{0,60}(?:storage|quota)|insufficient (?:disk )?(?:space|storage).{0,30}(?:mailbox|user)|inbox is full|out of storage|storage (?:space|quota|allocation)|mailbox size limit|full mailbox|mailbox.{0,30}(?:over|exceed).{0,30}(?:limit|size)|over (?:the |its |their )?(?:disk |storage |maximum allowed )?quota|not enough (?:storage )?space in .{0,40}mailbox|account is full|user is over|too much mail (?:data|in)|\bmailbox has exceeded|disk quota|storage (?:is )?full|exceeded (?:its |the )?storage/,
  ],
  [
    "system",
    /cannot update mailbox|maildir|dot-lock|failed to be replicated|cannot store document|error in processing|error opening|homedir|can't create user output|unable to create lock file|mailbox (?:is )?busy/,
  ],
  [
    "inactive",
    /(?:user|recipient|mailbox|mail ?box|account|address|inbox).{0,50}(?:disabled|\binactive|suspended|deactivated|discontinued|\bexpired|\blocked|is closed|on hold|terminated|frozen|dormant|temporarily closed|has been closed|not (?:been )?activated|not active)|is now disabled|inactivity|\binactive\b|not an active|entered during last|mail receiving disabled|\bdeactivated|(?:disabled|inactive|suspended|deactivated|expired|dormant|closed) (?:user|recipient|mailbox|account|address)|not (?:accessed|logged in) .{0,40}(?:days|months)|boite du destinataire archivee/,
  ],
  [
    "authentication",
    /\b(?:spf|dkim)\b|dmarc|unauthenticated|sender (?:address|domain).{0,40}(?:rejected|not found|not exist)|authentication (?:checks|level|information|results|requirements)|not aligned|5\.7\.515|must have (?:a )?(?:valid )?ptr|reverse dns|\bptr\b|reverse (?:ip )?lookup|no reverse|fix reverse|cannot (?:find your|resolve your) (?:reverse )?(?:hostname|address)|domain of sender address .{0,80}(?:does not|not) (?:exist|resolve)|sender verify failed|sender domain must|unresolvable sender|sender.{0,20} domain .{0,60}(?:not exist|not found|must resolve|not resolve)|invalid sender domain|verify (?:the )?sender/,
  ],
  [
    "rate-limited",
    /rate[- ]limit|unusual rate|too many (?:messages|connections|mails|recipients|concurrent|sessions|emails|simultaneous|invalid recipients|errors|bad commands)|throttl|receiving mail at a rate|exceeded .*(?:connection|rate|messages)|temporarily deferred due to|user complaints|slow down|connection limit|\[ts0\d\]|as\(\d+\).*(?:limit|exceed)|sending rate|exceed.{0,30}(?:hourly|daily) |mail volume|frequency limit|connection rate|\btoo fast\b|too quickly|too many (?:mail|simultaneous|smtp) (?:sessions|transactions)|quota for (?:ip|sending)|limit (?:on|for) (?:connections|messages)|mails? per (?:minute|hour|day)|exceeded the (?:limit|number) of|too much mail from/,
  ],
  [
    "blocked",
    /block ?list|black ?list|deny ?list|spamhaus|spamcop|barracudacentral|\bbarracuda\b|sorbs|invaluement|\b(?:dns|r|ip)bls?\b|banned|part of their network is on|poor (?:ip )?reputation|low reputation|bad reputation|reputation of the (?:sending )?(?:ip|domain)|(?:\bip\b|client host|\bhost|your mail server|network)[^:<]{0,60}(?:blocked|not allowed|rejected|listed)|blocked using|(?<!not )list(?:ed|ing) (?:at|in|by|on)\b|rejected using\b|\bip (?:address )?is in\b|ip (?:address )?not in .{0,20}(?:white|allow)|(?:sender|ip|host) (?:is |was |has been )?found (?:in|on)\b|geographic|your country|connections not accepted from|blocklisting|\b(?:rtr|con|rly|dyn|hvu):\(?[a-z]|access to (?:submit messages to )?this (?:e-?)?mail system has been rejected|not allowed to connect|\bbad ip\b|ipcheck|geoip|_is_blocked|sending ip|from your (?:ip|network|server) .{0,40}(?:rejected|refused|blocked)|(?:ip|host) .{0,20}is in (?:a|the|our) |dynamic range|generic (?:hostname|rdns)|connection refused by policy|refused due to .{0,30}reputation|not accepting (?:connections|messages)|\(bl\)|\bs3140\b|\bs3150\b|csi\.cloudmark|access denied, banned|dynamic(?:ally)? (?:ip|assigned|address|host|pool)|dial-?up|helo (?:command )?(?:rejected|name|invalid)|invalid helo|senderbase|reputation (?:score|filter)|(?:server|connection|ip|you) .{0,30}(?:has been|is|was|been|are) (?:temporarily )?blocked|blocked by (?:earthlink|recipient|our)|connections? (?:from|refused from|rejected).{0,40}(?:not accepted|denied|refused|blocked)|blacklisted|\brbl\b/,
  ],
  [
    "spam",
    /(?<!not )spam(?!-?free)|unsolicited|bulk mail|\bjunk|suspicious|likely (?:to be )?unwanted|\bube\b|\buce\b|surbl|uribl|consider(?:ed)? abusive|\bscored? (?:of )?\d|denied by content|high probability of|mail appears to be|resembles? (?:spam|unwanted)|content filter|refused by mail ?marshal|filtered|likely abuse|abusive content|objectionable/,
  ],
  [
    "content",
    /virus|malware|phish|infected|content (?:reject|filter|restriction|denied|presents|not (?:allowed|accept))|prohibited attachment|attachment.{0,60}(?:not allowed|blocked|banned|prohibited|reject|type)|message (?:looks|content|contains)|header.*(?:missing|invalid|duplicate)|not rfc ?(?:5321|5322|2822|822)|rfc ?(?:5321|5322|2822|822).{0,20}(?:complian|violat)|multiple 'from'|lines? too long|8-?bit|improper use of|bare (?:lf|linefeed)|malformed|unsupported (?:media|character)|dangerous|executable|unparse?able|(?:mime|header)[- ](?:error|format|violation)|file extension|non-?ascii|missing (?:from|date|message-id|subject)|message-id (?:is )?(?:missing|invalid)|without (?:a )?(?:from|date|message-id)|encrypted (?:archive|attachment)|security issue/,
  ],
  [
    "too-large",
    /(?:message|mail|size|content|attachment).{0,40}(?:too (?:big|large)|exceeds|larger than)|exceed.{0,40}(?:maximum|max|fixed|allowed|permitted).{0,20}size|size limit|too large|max(?:imum)?(?: message)? size|message length exceeds|(?:message|attachment) is too long|exceeds? (?:the )?(?:maximum|size)|size exceed|larger than/,
  ],
  [
    "configuration",
    /mail for .{0,100}loops back|loops? (?:back )?(?:to myself|detected)|routing loop|mail loop|too many (?:hops|received)|hop ?count|hops? exceeded|local configuration error|config(?:uration)? error|mail forwarding loop|loop count|dns loop|header counts|best-preference mx|looping|possible mail loop|cname lookup.{0,60}loop|mx list.{0,60}point|does not like (?:a |me|my)|incorrectly configured|misconfigur/,
  ],
  [
    "relaying",
    /relay(?:ing)? (?:access |mail )?(?:is )?(?:denied|not permitted|not allowed|prohibited|attempt|disallowed)|unable to relay|not (?:permitted|allowed) to relay|(?:do|does|will) not relay|isn't in my list|isn't allowed to be relayed|not a gateway|can't relay|no relaying|not an open relay|relaying mail to|not (?:local|our) (?:domain|recipient)|unknown local domain|insecure mail relay|relay not |den(?:y|ies) relay|not (?:been )?configured to (?:relay|let)|as a relay|not in my control ?file|(?:not|isn't) (?:in )?(?:my |our )?list of allowed rcpthosts|rcpthosts?\b/,
  ],
  [
    "bad-domain",
    /unrouteable mail domain|(?:all relevant mx records point to non-existent|domain name not found|couldn't find any host|name or service not known|no such (?:domain|host)|host (?:name )?(?:lookup failed|unknown|not found)|nxdomain|non-?existent (?:domain|host)|null ?mx|unknown (?:mail )?(?:host|domain)|bad destination (?:system|host)|no mx (?:record|or a)|invalid domain|illegal host\/domain|host or domain name not found|domain (?:does not|doesn't) (?:exist|receive|accept)|not a valid (?:domain|host)|dns (?:lookup|query|resolution)?.{0,20}(?:nxdomain|no (?:such|data))|domain.{0,30}has (?:been )?expired|mailer-daemon, address is not valid domain)/,
  ],
  [
    "bad-mailbox",
    /(?:user|recipient(?!.s (?:mail )?server)|mailbox|account|address|addressee|inbox|mail ?box|rcpt).{0,60}(?:unknown|not exist|n't exist|not found|unavailable|invalid|no longer|rejected|not (?:a )?(?:valid|recogni[sz]ed|known)|undeliverable|does not have|deleted|isn't|not listed|could ?n[o']t be (?:found|resolved)|unrecogni[sz]ed|incorrect|mistyped|misspelled|no mailbox|not have an? |has moved|not match)|(?:unknown|no such|invalid|unrouteable|bad|unroutable|unable to find|not a known|no valid|non-?existent|unrecogni[sz]ed|illegal|cannot find|can't find|could not find|unmatched|nonexistent|incorrect|wrong).{0,30}(?:user|recipient|mailbox|account|address|person|rcpt|e-?mail|alias|local[- ]part)|no mail-?box|this user doesn't have|not our customer|does not like recipient|no longer (?:with|works|accept|employed|valid|available|in use|on (?:this )?server)|user has moved|usernotfound|recipientnotfound|recipnotfound|couldn't be found|wasn't found|(?:was|is) not found at|not present in directory|not listed in (?:public|domino)|account .{0,40}not |name is not recogni[sz]ed|nosuchuser|no account (?:by|with)|mailbox not local|never logged|no one by (?:this|that) name|no user|\bno such\b|addresses were unknown|missing home directory|no thank you|dosn.t exist|no longer accepts mail|bad rcpt|not a (?:local|known) (?:user|mailbox)|requested action (?:not taken|aborted).{0,30}mailbox|mailbox not found|not on file|unavailable mail user|not in (?:the )?recipient list|invalid.{0,40}recipient.{0,3} domain|not (?:a )?user (?:of|on)|(?:don't|dont|do not) exists?|undeliverable address|not a valid (?:recipient|user|mailbox|address)|bad destination\b|invalid domain mailbox|unable to validate recipient|recipient.{0,60}(?:cannot|can't|could not) be verified|mailbox.{0,60}not available|does(?:n't| not) have an? (?:account|e-?mail|final)|not a (?:valid|recogni[sz]ed|known) (?:e-?mail )?(?:account|address)|e-?mail (?:name |address )?(?:is |was )?not found|e-?mail has changed|unavailable (?:mailbox|user|recipient)|does not receive mail|check the recipient|has left the (?:company|organi)|is not registered|unregistered|no active recipient|not accepting mail for this (?:user|address)|doesn.t handle mail for|does not handle mail for|not have a mailbox|email account that you tried to reach|adr\.exrecipnotfound|user not|does(?:n't| not) exist (?:on|at|in|here)|address error|invalid final delivery|not known (?:at|here)/,
  ],
  [
    "bad-domain",
    /(?:domain|host).{0,40}(?:not found|unknown|does not exist|doesn't exist|invalid|no mx)|does not accept mail|no mail is accepted|unrouteable|domain isn't in my list/,
  ],
  [
    "no-tls",
    /starttls.*(?:required|first)|must issue a starttls|not support tls|tls (?:is )?required|encryption required|5\.7\.29|4\.7\.29|tls.{0,30}(?:handshake|negotiation|fail|not available)/,
  ],
];

/** What is said of anything: asked when nothing above was said, in any language. */
export const VAGUE: Phrases = [
  ["blocked", /\bblocked\b/],
  [
    "policy",
    /polic(?:y|ies)\b|no permit|not authori[sz]ed|access denied|permission denied|administrative(?:ly)? prohibit|rejected by (?:the )?recipient|restricted|closed for|not (?:permitted|allowed|have permission)|permission to (?:send|post)|prohibited|not accept(?:ing|ed)? (?:mail|messages|email)|refuse[sd]? to (?:accept|receive)|denied|members only|moderat|must be a (?:member|subscriber)|protocol violation|not accepting network|sender (?:address )?(?:is )?(?:rejected|denied|refused)|(?:message|mail|e-?mail|recipient) (?:was |is |has been )?(?:rejected|refused|rejete)|from: domain|forbidden|pre-?approved|whitelist|requires confirmation/,
  ],
  [
    "expired",
    /retry (?:timeout|time) (?:exceeded|not reached)|message (?:has )?expired|delivery time expired|(?:could not|cannot|unable to|not been able to) (?:be delivered|deliver\w*) (?:it |the message |your message )?(?:for|within|in|after) (?:\d|the last|more than)|giving up on|too long in (?:the )?queue|been in the queue too long|queue (?:time|lifetime)|i'm not going to try again|undelivered (?:for|after) \d|(?:not|n't) (?:been )?delivered (?:within|after|for)|deadline|maximum (?:time|retry)|message timed out|delivery (?:attempts? )?(?:timed out|expired)|keep trying|no longer (?:be )?(?:tried|attempt)|has been (?:delayed|waiting)|retry .{0,30}exceeded|tried for \d/,
  ],
  [
    "network",
    /network error|not reachable|connection (?:timed ?out|refused|reset|lost|closed|dropped|failed|died|was (?:closed|dropped|reset))|conn(?:ect)?(?:ion)? .{0,80}timed ?out|no route to host|network (?:is )?unreachable|host (?:is )?(?:unreachable|down)|unable to connect|couldn't connect|could not connect|not able to connect|failed to connect|sorry, i (?:wasn't able to establish|couldn't)|connect(?:ing)? to .{0,100}(?:failed|refused|timed)|lost connection|broken pipe|timed? ?out|timeout|no (?:answer|response) from (?:the )?(?:host|server)|not respond|name server|(?:dns|domain name|host name).{0,30}(?:fail|error|problem|timeout)|temporary failure in name resolution|unreachable|premature|bad connection|socket error|dropped connection|host .{0,40}(?:does not|doesn.t) (?:answer|respond)|server did not respond|no mail hosts? (?:available|for domain)|remote (?:host|server) (?:said|is) (?:down|closed)|smtp connection|too many (?:network )?errors/,
  ],
  [
    "system",
    /local (?:error|problem|delivery)|internal (?:server |software )?error|insufficient (?:system )?(?:storage|resources)|system (?:error|resources|problem|busy|failure)|server (?:busy|error|configuration)|service (?:is )?(?:currently |temporarily )?(?:unavailable|not available)|temporar(?:y|ily)|try again|resources (?:temporarily )?unavailable|lookup failure|disk full|no space left|cannot (?:open|create|write|decode)|can't (?:create|open|write)|i\/o error|out of memory|child (?:process|status)|exit(?:ed)? (?:status|code)|command (?:died|failed|output|time limit)|unknown mailer error|transaction failed|mailer error|deferred|delivery failed|unable to (?:write|open|lock)|not implemented|command not|unknown command|queue (?:is )?unavailable|queue file write error|interrupted by signal|unable to (?:initialize|fork|exec)|lmtp|cannot (?:connect to|reach) .{0,30}(?:store|backend|database)|write error|temporary|command (?:rejected|unrecogni)|syntax error|bad sequence|protocol error/,
  ],
  ["policy", /\breject|\brefuse|bounced by (?:the |an )?admin|not in my domain/],
];
