import { headerOf, type Mail } from "../mime/index.ts";

type Rule = { vendor: string; header: string; pattern: RegExp };

/** Fields by which programs say that nobody wrote this; values in lower case. */
const HEADERS: readonly Rule[] = [
  { vendor: "rfc 3834", header: "auto-submitted", pattern: /^auto-(?:replied|notified|generated.*vacation)/ },
  { vendor: "several", header: "x-autoreply", pattern: /^(?!no\b)/ },
  { vendor: "several", header: "x-autorespond", pattern: /./ },
  { vendor: "several", header: "x-autoresponder", pattern: /./ },
  { vendor: "cpanel", header: "x-auto-response-suppress", pattern: /^$/ },
  { vendor: "cpanel", header: "x-autoreply-from", pattern: /./ },
  { vendor: "several", header: "x-mail-autoreply", pattern: /./ },
  { vendor: "several", header: "x-auto-reply", pattern: /./ },
  { vendor: "several", header: "x-vacation", pattern: /./ },
  { vendor: "gmx, web.de", header: "x-autoreply-type", pattern: /./ },
  { vendor: "facebook", header: "x-fb-auto-reply", pattern: /./ },
  { vendor: "kerio", header: "x-kerio-autoreply", pattern: /./ },
  { vendor: "apple", header: "x-apple-auto-reply", pattern: /./ },
  { vendor: "several", header: "precedence", pattern: /^auto[-_ ]?reply/ },
  { vendor: "several", header: "delivered-to", pattern: /^autoresponder$/ },
  {
    vendor: "exchange",
    header: "x-ms-exchange-generated-message-source",
    pattern: /mailbox rules agent|antimalware/,
  },
  { vendor: "exchange", header: "x-ms-exchange-inbox-rules-loop", pattern: /./ },
  { vendor: "spamarrest, boxtrapper", header: "x-boxtrapper-match", pattern: /./ },
  { vendor: "tmda", header: "x-tmda-confirm-done", pattern: /./ },
];

/** Subjects of absences and of questions whether the sender is a person; in lower case. */
const SUBJECTS: readonly { language: string; pattern: RegExp }[] = [
  {
    language: "english",
    pattern:
      /^(?:re: ?)?(?:\[?auto[- ]?(?:matic(?:ally)?)?[- ]?(?:generated )?(?:reply|response|respond|answer)|out of (?:the )?office|away from (?:my|the) (?:mail|office|desk)|vacation|on (?:annual |maternity |parental |sick )?leave|on (?:holiday|vacation)|i(?:'m| am) (?:away|out of)|ooo\b|autoreply|autoresponse|automatic reply|away message|absence notice)|\bout of (?:the )?office\b|\bautomatic(?:ally)? (?:reply|response|generated reply)|\bauto-?reply\b|\bautoreply\b|\bauto[- ]?respon(?:se|der)\b|vacation (?:reply|message|notice)/,
  },
  {
    language: "english, challenge",
    pattern:
      /(?:please )?(?:confirm|verify) (?:your (?:e?-?mail|message|identity|address)|you are human|delivery)|your email requires verification|requires verification|challenge[- ]response|action required to deliver|sender verification|waiting for (?:your )?(?:approval|authorization)|human verification|message awaiting (?:approval|confirmation)/,
  },
  {
    language: "german",
    pattern:
      /abwesenheit|automatische (?:antwort|rückantwort|email-antwort)|automatisch (?:generierte|erstellte) (?:antwort|nachricht)|autom\. antwort|nicht im büro|im urlaub|urlaubs(?:nachricht|benachrichtigung|meldung|abwesenheit)|bin (?:derzeit )?(?:abwesend|nicht erreichbar)|eingangsbestätigung/,
  },
  {
    language: "french",
    pattern:
      /absen(?:ce|t) (?:du bureau|temporaire)|réponse automatique|reponse automatique|absence prolongée|message d'absence|en congés?|absent\(?e?\)? du bureau|absence du bureau|notification d'absence|en vacances|accusé de réception automatique/,
  },
  {
    language: "spanish",
    pattern:
      /respuesta automática|respuesta automatica|fuera de (?:la )?oficina|fuera del despacho|ausencia de la oficina|mensaje de ausencia|de vacaciones|contestación automática|autorespuesta|autorrespuesta/,
  },
  {
    language: "italian",
    pattern:
      /risposta automatica|fuori (?:ufficio|sede)|assen(?:za|te) (?:dall'ufficio|ufficio)|messaggio di assenza|in ferie|risponditore automatico|avviso di assenza/,
  },
  {
    language: "portuguese",
    pattern:
      /resposta automática|resposta automatica|ausência (?:temporária|do escritório)|fora do escritório|estou de férias|em férias|mensagem de ausência|fora da empresa/,
  },
  {
    language: "dutch",
    pattern:
      /afwezig|automatisch antwoord|automatische beantwoording|niet op kantoor|niet aanwezig|met vakantie|buiten kantoor/,
  },
  {
    language: "polish",
    pattern:
      /autoodpowiedź|automatyczna odpowiedź|odpowiedź automatyczna|poza biurem|nieobecność|nieobecny|na urlopie/,
  },
  {
    language: "russian",
    pattern: /автоответ|автоматический ответ|нет на работе|в отпуске|отсутстви|вне офиса/,
  },
  { language: "japanese", pattern: /自動応答|自動返信|不在(?:通知|の|です)|不在のお知らせ|休暇中|不在届/ },
  {
    language: "chinese",
    pattern: /自动回复|自動回覆|自动答复|自動回應|外出|休假中|不在办公室|自动应答|自動回信/,
  },
  { language: "korean", pattern: /자동 ?(?:회신|응답|답장)|부재 ?중/ },
  {
    language: "swedish, danish, norwegian, finnish",
    pattern:
      /frånvaro|autosvar|automatiskt svar|automatisk svar|ikke til stede|fravær|ikke på kontoret|inte på kontoret|på semester|på ferie|ute av kontoret|poissa|automaattinen vastaus|poissaolo|lomalla/,
  },
  {
    language: "czech",
    pattern: /automatická odpověď|automaticka odpoved|mimo kancelář|nepřítomnost|na dovolené/,
  },
  { language: "turkish", pattern: /otomatik (?:yanıt|cevap)|ofis dışında|ofiste değil|izindeyim|tatildeyim/ },
  {
    language: "hungarian, romanian, greek",
    pattern:
      /automatikus válasz|házon kívül|szabadságon|răspuns automat|în concediu|αυτόματη απάντηση|εκτός γραφείου/,
  },
];

/** A report that a mail was shown or deleted (RFC 8098). */
export function isDispositionNotice(mail: Mail): boolean {
  return (
    mail.parts.some(
      ({ type }) =>
        type === "message/disposition-notification" || type === "message/global-disposition-notification",
    ) || /report-type="?disposition-notification/i.test(headerOf(mail, "content-type").slice(0, 2_000))
  );
}

/** Whether the header says so by itself. */
export function saysAutoReply(mail: Mail): boolean {
  return HEADERS.some(({ header, pattern }) =>
    mail.headers.some(
      ({ name, value }) => name === header && pattern.test(value.slice(0, 500).trim().toLowerCase()),
    ),
  );
}

/** Whether the subject is one of an absence or of a challenge. */
export function soundsAutoReply(mail: Mail): boolean {
  const subject = headerOf(mail, "subject").slice(0, 500).trim().toLowerCase();
  return SUBJECTS.some(({ pattern }) => pattern.test(subject));
}
