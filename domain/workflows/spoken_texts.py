"""The texts that agents say without their model, such as the apology when the model fails, in every
language that a TTS provider of the catalog speaks.

The sentences address the caller politely, and they fit a voice and a caller of any gender."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.common.languages import primary_subtag

FALLBACK_LANGUAGE = "en"
"""The language of a text that does not exist in the language of the call."""


class SpokenText(StrEnum):
    """A text that an agent says without its model."""

    CONNECTION_DROPPED = "CONNECTION_DROPPED"
    CANNOT_ANSWER = "CANNOT_ANSWER"
    CANNOT_HEAR = "CANNOT_HEAR"
    TECHNICAL_PROBLEM = "TECHNICAL_PROBLEM"
    STILL_THERE = "STILL_THERE"
    ENDING_SOON = "ENDING_SOON"
    BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"


_T = SpokenText

DEFAULT_SPOKEN_TEXTS: Mapping[str, Mapping[SpokenText, str]] = {
    "ar": {
        _T.CONNECTION_DROPPED: "عذرًا، انقطع الخط للحظة.",
        _T.CANNOT_ANSWER: "أعتذر، لا يمكنني الإجابة الآن. يُرجى المحاولة مرة أخرى.",
        _T.CANNOT_HEAR: "أعتذر، لا يصلني صوتكم الآن. لحظة من فضلكم.",
        _T.TECHNICAL_PROBLEM: "أعتذر، لدينا مشكلة تقنية. يُرجى معاودة الاتصال لاحقًا.",
        _T.STILL_THERE: "هل ما زلتم معي؟",
        _T.ENDING_SOON: "علينا أن ننهي حديثنا بعد قليل.",
        _T.BUDGET_EXHAUSTED: ("أعتذر، علينا أن ننهي حديثنا هنا. يُرجى المحاولة لاحقًا. مع السلامة."),
    },
    "bg": {
        _T.CONNECTION_DROPPED: "Извинете, връзката прекъсна за момент.",
        _T.CANNOT_ANSWER: "Съжалявам, в момента не мога да отговоря. Моля, опитайте отново.",
        _T.CANNOT_HEAR: "Съжалявам, в момента не ви чувам. Един момент, моля.",
        _T.TECHNICAL_PROBLEM: "Съжалявам, имаме технически проблем. Моля, обадете се по-късно.",
        _T.STILL_THERE: "Още ли сте на линия?",
        _T.ENDING_SOON: "След малко трябва да приключим разговора.",
        _T.BUDGET_EXHAUSTED: (
            "Съжалявам, но трябва да приключим дотук. Моля, опитайте отново по-късно. Довиждане."
        ),
    },
    "bn": {
        _T.CONNECTION_DROPPED: "দুঃখিত, এক মুহূর্তের জন্য লাইনটা কেটে গিয়েছিল।",
        _T.CANNOT_ANSWER: "দুঃখিত, আমি এখন উত্তর দিতে পারছি না। অনুগ্রহ করে আবার চেষ্টা করুন।",
        _T.CANNOT_HEAR: ("দুঃখিত, আমি এখন আপনার কথা শুনতে পাচ্ছি না। অনুগ্রহ করে একটু অপেক্ষা করুন।"),
        _T.TECHNICAL_PROBLEM: ("দুঃখিত, আমাদের একটি প্রযুক্তিগত সমস্যা হচ্ছে। অনুগ্রহ করে পরে আবার ফোন করুন।"),
        _T.STILL_THERE: "আপনি কি এখনও লাইনে আছেন?",
        _T.ENDING_SOON: "আমাদের একটু পরেই কথা শেষ করতে হবে।",
        _T.BUDGET_EXHAUSTED: (
            "দুঃখিত, আমাদের এখানেই কথা শেষ করতে হচ্ছে। অনুগ্রহ করে পরে আবার চেষ্টা করুন। ভালো থাকবেন।"
        ),
    },
    "ca": {
        _T.CONNECTION_DROPPED: "Disculpi, la línia s'ha tallat un moment.",
        _T.CANNOT_ANSWER: "Ho sento, ara mateix no puc respondre. Torni-ho a provar, si us plau.",
        _T.CANNOT_HEAR: "Ho sento, ara mateix no sento la seva veu. Un moment, si us plau.",
        _T.TECHNICAL_PROBLEM: (
            "Ho sento, tenim un problema tècnic. Torni a trucar més tard, si us plau."
        ),
        _T.STILL_THERE: "Encara hi és?",
        _T.ENDING_SOON: "Hem d'acabar d'aquí a un moment.",
        _T.BUDGET_EXHAUSTED: (
            "Ho sento, hem d'acabar aquí. Torni-ho a provar més tard, si us plau. Adeu."
        ),
    },
    "cs": {
        _T.CONNECTION_DROPPED: "Omlouvám se, spojení se na chvíli přerušilo.",
        _T.CANNOT_ANSWER: "Omlouvám se, teď vám nemohu odpovědět. Zkuste to prosím znovu.",
        _T.CANNOT_HEAR: "Omlouvám se, teď vás neslyším. Okamžik, prosím.",
        _T.TECHNICAL_PROBLEM: "Omlouvám se, máme technický problém. Zavolejte prosím později.",
        _T.STILL_THERE: "Jste stále na lince?",
        _T.ENDING_SOON: "Za okamžik budeme muset skončit.",
        _T.BUDGET_EXHAUSTED: (
            "Omlouvám se, ale musíme teď skončit. Zkuste to prosím později. Na shledanou."
        ),
    },
    "da": {
        _T.CONNECTION_DROPPED: "Beklager, forbindelsen blev afbrudt et øjeblik.",
        _T.CANNOT_ANSWER: "Jeg beklager, jeg kan ikke svare lige nu. Prøv venligst igen.",
        _T.CANNOT_HEAR: "Jeg beklager, jeg kan ikke høre dig lige nu. Et øjeblik, tak.",
        _T.TECHNICAL_PROBLEM: (
            "Jeg beklager, vi har et teknisk problem. Ring venligst igen senere."
        ),
        _T.STILL_THERE: "Er du der stadig?",
        _T.ENDING_SOON: "Vi er nødt til at slutte om et øjeblik.",
        _T.BUDGET_EXHAUSTED: (
            "Jeg beklager, vi er nødt til at slutte her. Prøv venligst igen senere. Farvel."
        ),
    },
    "de": {
        _T.CONNECTION_DROPPED: "Entschuldigung, die Verbindung war kurz unterbrochen.",
        _T.CANNOT_ANSWER: (
            "Es tut mir leid, ich kann gerade nicht antworten. Bitte versuchen Sie es noch einmal."
        ),
        _T.CANNOT_HEAR: ("Es tut mir leid, ich kann Sie gerade nicht hören. Einen Moment, bitte."),
        _T.TECHNICAL_PROBLEM: (
            "Es tut mir leid, wir haben ein technisches Problem. Bitte rufen Sie später noch "
            "einmal an."
        ),
        _T.STILL_THERE: "Sind Sie noch da?",
        _T.ENDING_SOON: "Wir müssen gleich zum Ende kommen.",
        _T.BUDGET_EXHAUSTED: (
            "Es tut mir leid, wir müssen hier aufhören. Bitte versuchen Sie es später noch einmal. "
            "Auf Wiedersehen."
        ),
    },
    "el": {
        _T.CONNECTION_DROPPED: "Συγγνώμη, η γραμμή διακόπηκε για λίγο.",
        _T.CANNOT_ANSWER: (
            "Λυπάμαι, δεν μπορώ να απαντήσω αυτή τη στιγμή. Παρακαλώ δοκιμάστε ξανά."
        ),
        _T.CANNOT_HEAR: "Λυπάμαι, δεν σας ακούω αυτή τη στιγμή. Ένα λεπτό, παρακαλώ.",
        _T.TECHNICAL_PROBLEM: (
            "Λυπάμαι, έχουμε ένα τεχνικό πρόβλημα. Παρακαλώ καλέστε ξανά αργότερα."
        ),
        _T.STILL_THERE: "Είστε ακόμα στη γραμμή;",
        _T.ENDING_SOON: "Σε λίγο πρέπει να τελειώσουμε.",
        _T.BUDGET_EXHAUSTED: (
            "Λυπάμαι, πρέπει να τελειώσουμε εδώ. Παρακαλώ δοκιμάστε ξανά αργότερα. Αντίο σας."
        ),
    },
    "en": {
        _T.CONNECTION_DROPPED: "Sorry, the line dropped for a moment.",
        _T.CANNOT_ANSWER: "I am sorry, I cannot answer right now. Please try again.",
        _T.CANNOT_HEAR: "I am sorry, I cannot hear you just now. One moment, please.",
        _T.TECHNICAL_PROBLEM: ("I am sorry, we have a technical problem. Please call again later."),
        _T.STILL_THERE: "Are you still there?",
        _T.ENDING_SOON: "We have to finish in a moment.",
        _T.BUDGET_EXHAUSTED: ("We have to end here, I am sorry. Please try again later. Goodbye."),
    },
    "es": {
        _T.CONNECTION_DROPPED: "Disculpe, la línea se cortó por un momento.",
        _T.CANNOT_ANSWER: (
            "Lo siento, no puedo responder en este momento. Por favor, inténtelo de nuevo."
        ),
        _T.CANNOT_HEAR: "Lo siento, ahora mismo no se le oye. Un momento, por favor.",
        _T.TECHNICAL_PROBLEM: (
            "Lo siento, tenemos un problema técnico. Por favor, vuelva a llamar más tarde."
        ),
        _T.STILL_THERE: "¿Sigue usted ahí?",
        _T.ENDING_SOON: "Tenemos que terminar en un momento.",
        _T.BUDGET_EXHAUSTED: (
            "Lo siento, tenemos que terminar aquí. Por favor, inténtelo de nuevo más tarde. Adiós."
        ),
    },
    "et": {
        _T.CONNECTION_DROPPED: "Vabandust, ühendus katkes hetkeks.",
        _T.CANNOT_ANSWER: "Vabandust, ma ei saa praegu vastata. Palun proovige uuesti.",
        _T.CANNOT_HEAR: "Vabandust, ma ei kuule teid praegu. Palun oodake hetk.",
        _T.TECHNICAL_PROBLEM: (
            "Vabandust, meil on tehniline probleem. Palun helistage hiljem uuesti."
        ),
        _T.STILL_THERE: "Kas olete veel kuuldel?",
        _T.ENDING_SOON: "Me peame kohe lõpetama.",
        _T.BUDGET_EXHAUSTED: (
            "Vabandust, me peame siinkohal lõpetama. Palun proovige hiljem uuesti. Nägemist."
        ),
    },
    "fi": {
        _T.CONNECTION_DROPPED: "Anteeksi, yhteys katkesi hetkeksi.",
        _T.CANNOT_ANSWER: (
            "Pahoittelen, en voi vastata juuri nyt. Olkaa hyvä ja yrittäkää uudelleen."
        ),
        _T.CANNOT_HEAR: "Pahoittelen, en kuule teitä juuri nyt. Odottakaa hetki, olkaa hyvä.",
        _T.TECHNICAL_PROBLEM: (
            "Pahoittelen, meillä on tekninen ongelma. Olkaa hyvä ja soittakaa myöhemmin uudelleen."
        ),
        _T.STILL_THERE: "Oletteko vielä linjalla?",
        _T.ENDING_SOON: "Meidän täytyy lopettaa hetken kuluttua.",
        _T.BUDGET_EXHAUSTED: (
            "Pahoittelen, meidän täytyy lopettaa tähän. Olkaa hyvä ja yrittäkää myöhemmin "
            "uudelleen. Näkemiin."
        ),
    },
    "fr": {
        _T.CONNECTION_DROPPED: "Excusez-moi, la ligne a été coupée un instant.",
        _T.CANNOT_ANSWER: (
            "Je regrette, je ne peux pas répondre pour le moment. Veuillez réessayer."
        ),
        _T.CANNOT_HEAR: (
            "Je regrette, je ne vous entends pas pour le moment. Un instant, s'il vous plaît."
        ),
        _T.TECHNICAL_PROBLEM: (
            "Je regrette, nous avons un problème technique. Veuillez rappeler plus tard."
        ),
        _T.STILL_THERE: "Êtes-vous toujours là ?",
        _T.ENDING_SOON: "Nous allons devoir terminer dans un instant.",
        _T.BUDGET_EXHAUSTED: (
            "Je regrette, nous devons nous arrêter ici. Veuillez réessayer plus tard. Au revoir."
        ),
    },
    "gu": {
        _T.CONNECTION_DROPPED: "માફ કરશો, એક ક્ષણ માટે લાઇન કપાઈ ગઈ હતી.",
        _T.CANNOT_ANSWER: ("માફ કરશો, અત્યારે જવાબ આપવો શક્ય નથી. કૃપા કરીને ફરી પ્રયાસ કરો."),
        _T.CANNOT_HEAR: ("માફ કરશો, અત્યારે તમારો અવાજ સંભળાતો નથી. કૃપા કરીને એક ક્ષણ રાહ જુઓ."),
        _T.TECHNICAL_PROBLEM: ("માફ કરશો, અમને ટેકનિકલ સમસ્યા આવી રહી છે. કૃપા કરીને પછીથી ફરી ફોન કરો."),
        _T.STILL_THERE: "શું તમે હજી લાઇન પર છો?",
        _T.ENDING_SOON: "આપણે થોડી જ વારમાં વાત પૂરી કરવી પડશે.",
        _T.BUDGET_EXHAUSTED: (
            "માફ કરશો, આપણે અહીં જ વાત પૂરી કરવી પડશે. કૃપા કરીને પછીથી ફરી પ્રયાસ કરો. આવજો."
        ),
    },
    "he": {
        _T.CONNECTION_DROPPED: "סליחה, הקו נותק לרגע.",
        _T.CANNOT_ANSWER: "סליחה, אין באפשרותי לענות כרגע. נא לנסות שוב.",
        _T.CANNOT_HEAR: "סליחה, כרגע לא שומעים אתכם. רגע אחד, בבקשה.",
        _T.TECHNICAL_PROBLEM: "סליחה, יש לנו בעיה טכנית. נא להתקשר שוב מאוחר יותר.",
        _T.STILL_THERE: "אתם עדיין על הקו?",
        _T.ENDING_SOON: "נצטרך לסיים בעוד רגע.",
        _T.BUDGET_EXHAUSTED: "סליחה, עלינו לסיים כאן. נא לנסות שוב מאוחר יותר. להתראות.",
    },
    "hi": {
        _T.CONNECTION_DROPPED: "माफ़ कीजिए, कुछ पल के लिए लाइन कट गई थी।",
        _T.CANNOT_ANSWER: ("माफ़ कीजिए, अभी जवाब देना संभव नहीं है। कृपया फिर से कोशिश कीजिए।"),
        _T.CANNOT_HEAR: ("माफ़ कीजिए, अभी आपकी आवाज़ सुनाई नहीं दे रही है। कृपया एक पल रुकिए।"),
        _T.TECHNICAL_PROBLEM: (
            "माफ़ कीजिए, हमें एक तकनीकी समस्या आ रही है। कृपया बाद में फिर से फ़ोन कीजिए।"
        ),
        _T.STILL_THERE: "क्या आप अब भी लाइन पर हैं?",
        _T.ENDING_SOON: "हमें थोड़ी ही देर में बात समाप्त करनी होगी।",
        _T.BUDGET_EXHAUSTED: (
            "माफ़ कीजिए, हमें यहीं बात समाप्त करनी होगी। कृपया बाद में फिर से कोशिश कीजिए। नमस्ते।"
        ),
    },
    "hr": {
        _T.CONNECTION_DROPPED: "Oprostite, veza se nakratko prekinula.",
        _T.CANNOT_ANSWER: (
            "Žao mi je, trenutačno ne mogu odgovoriti. Molim vas, pokušajte ponovno."
        ),
        _T.CANNOT_HEAR: "Žao mi je, trenutačno vas ne čujem. Trenutak, molim.",
        _T.TECHNICAL_PROBLEM: (
            "Žao mi je, imamo tehnički problem. Molim vas, nazovite ponovno kasnije."
        ),
        _T.STILL_THERE: "Jeste li još na liniji?",
        _T.ENDING_SOON: "Uskoro moramo završiti.",
        _T.BUDGET_EXHAUSTED: (
            "Žao mi je, moramo ovdje završiti. Molim vas, pokušajte ponovno kasnije. Doviđenja."
        ),
    },
    "hu": {
        _T.CONNECTION_DROPPED: "Elnézést, egy pillanatra megszakadt a vonal.",
        _T.CANNOT_ANSWER: "Sajnálom, most nem tudok válaszolni. Kérem, próbálja meg újra.",
        _T.CANNOT_HEAR: "Sajnálom, most nem hallom Önt. Egy pillanat türelmet kérek.",
        _T.TECHNICAL_PROBLEM: "Sajnálom, technikai problémánk van. Kérem, hívjon újra később.",
        _T.STILL_THERE: "Vonalban van még?",
        _T.ENDING_SOON: "Hamarosan be kell fejeznünk a beszélgetést.",
        _T.BUDGET_EXHAUSTED: (
            "Sajnálom, itt be kell fejeznünk. Kérem, próbálja meg később újra. Viszontlátásra."
        ),
    },
    "id": {
        _T.CONNECTION_DROPPED: "Maaf, sambungan tadi terputus sebentar.",
        _T.CANNOT_ANSWER: "Maaf, saya tidak bisa menjawab saat ini. Silakan coba lagi.",
        _T.CANNOT_HEAR: (
            "Maaf, saya tidak bisa mendengar suara Anda saat ini. Mohon tunggu sebentar."
        ),
        _T.TECHNICAL_PROBLEM: ("Maaf, kami mengalami masalah teknis. Silakan telepon lagi nanti."),
        _T.STILL_THERE: "Apakah Anda masih di sana?",
        _T.ENDING_SOON: "Sebentar lagi kita harus mengakhiri pembicaraan ini.",
        _T.BUDGET_EXHAUSTED: (
            "Maaf, kita harus mengakhiri pembicaraan ini di sini. Silakan coba lagi nanti. Sampai "
            "jumpa."
        ),
    },
    "it": {
        _T.CONNECTION_DROPPED: "Mi scusi, la linea è caduta per un momento.",
        _T.CANNOT_ANSWER: (
            "Mi dispiace, in questo momento non posso rispondere. La prego di riprovare."
        ),
        _T.CANNOT_HEAR: "Mi dispiace, in questo momento non La sento. Un attimo, per favore.",
        _T.TECHNICAL_PROBLEM: (
            "Mi dispiace, abbiamo un problema tecnico. La prego di richiamare più tardi."
        ),
        _T.STILL_THERE: "È ancora in linea?",
        _T.ENDING_SOON: "Tra un momento dobbiamo concludere.",
        _T.BUDGET_EXHAUSTED: (
            "Mi dispiace, dobbiamo concludere qui. La prego di riprovare più tardi. Arrivederci."
        ),
    },
    "ja": {
        _T.CONNECTION_DROPPED: "申し訳ございません。一瞬、回線が途切れました。",
        _T.CANNOT_ANSWER: (
            "申し訳ございません。ただいまお答えできません。もう一度お試しください。"
        ),
        _T.CANNOT_HEAR: ("申し訳ございません。ただいまお声が聞こえません。少々お待ちください。"),
        _T.TECHNICAL_PROBLEM: (
            "申し訳ございません。技術的な問題が発生しております。後ほどおかけ直しください。"
        ),
        _T.STILL_THERE: "まだいらっしゃいますか。",
        _T.ENDING_SOON: "まもなく通話を終了いたします。",
        _T.BUDGET_EXHAUSTED: (
            "申し訳ございませんが、ここで終了させていただきます。後ほどもう一度お試しください。"
            "失礼いたします。"
        ),
    },
    "ka": {
        _T.CONNECTION_DROPPED: "უკაცრავად, კავშირი წამით გაწყდა.",
        _T.CANNOT_ANSWER: ("უკაცრავად, ახლა პასუხის გაცემა არ შემიძლია. გთხოვთ, სცადოთ ხელახლა."),
        _T.CANNOT_HEAR: "უკაცრავად, ახლა თქვენი ხმა არ მესმის. ერთი წუთით, გთხოვთ.",
        _T.TECHNICAL_PROBLEM: (
            "უკაცრავად, ტექნიკური პრობლემა გვაქვს. გთხოვთ, დარეკოთ მოგვიანებით."
        ),
        _T.STILL_THERE: "ისევ ხაზზე ხართ?",
        _T.ENDING_SOON: "მალე უნდა დავასრულოთ საუბარი.",
        _T.BUDGET_EXHAUSTED: (
            "უკაცრავად, საუბარი აქ უნდა დავასრულოთ. გთხოვთ, სცადოთ მოგვიანებით. ნახვამდის."
        ),
    },
    "kn": {
        _T.CONNECTION_DROPPED: "ಕ್ಷಮಿಸಿ, ಒಂದು ಕ್ಷಣ ಲೈನ್ ಕಡಿತಗೊಂಡಿತ್ತು.",
        _T.CANNOT_ANSWER: ("ಕ್ಷಮಿಸಿ, ಈಗ ಉತ್ತರಿಸಲು ಸಾಧ್ಯವಾಗುತ್ತಿಲ್ಲ. ದಯವಿಟ್ಟು ಮತ್ತೊಮ್ಮೆ ಪ್ರಯತ್ನಿಸಿ."),
        _T.CANNOT_HEAR: ("ಕ್ಷಮಿಸಿ, ಈಗ ನಿಮ್ಮ ಧ್ವನಿ ಕೇಳಿಸುತ್ತಿಲ್ಲ. ದಯವಿಟ್ಟು ಒಂದು ಕ್ಷಣ ಕಾಯಿರಿ."),
        _T.TECHNICAL_PROBLEM: ("ಕ್ಷಮಿಸಿ, ನಮಗೆ ತಾಂತ್ರಿಕ ಸಮಸ್ಯೆ ಎದುರಾಗಿದೆ. ದಯವಿಟ್ಟು ಸ್ವಲ್ಪ ಸಮಯದ ನಂತರ ಮತ್ತೆ ಕರೆ ಮಾಡಿ."),
        _T.STILL_THERE: "ನೀವು ಇನ್ನೂ ಲೈನಿನಲ್ಲಿ ಇದ್ದೀರಾ?",
        _T.ENDING_SOON: "ಸ್ವಲ್ಪ ಹೊತ್ತಿನಲ್ಲೇ ನಾವು ಮಾತುಕತೆ ಮುಗಿಸಬೇಕಾಗುತ್ತದೆ.",
        _T.BUDGET_EXHAUSTED: ("ಕ್ಷಮಿಸಿ, ನಾವು ಇಲ್ಲಿಗೆ ಮಾತುಕತೆ ಮುಗಿಸಬೇಕಾಗಿದೆ. ದಯವಿಟ್ಟು ನಂತರ ಮತ್ತೆ ಪ್ರಯತ್ನಿಸಿ. ನಮಸ್ಕಾರ."),
    },
    "ko": {
        _T.CONNECTION_DROPPED: "죄송합니다. 잠시 연결이 끊겼습니다.",
        _T.CANNOT_ANSWER: "죄송합니다. 지금은 답변을 드릴 수 없습니다. 다시 시도해 주세요.",
        _T.CANNOT_HEAR: "죄송합니다. 지금 목소리가 들리지 않습니다. 잠시만 기다려 주세요.",
        _T.TECHNICAL_PROBLEM: (
            "죄송합니다. 기술적인 문제가 발생했습니다. 나중에 다시 전화해 주세요."
        ),
        _T.STILL_THERE: "아직 듣고 계신가요?",
        _T.ENDING_SOON: "잠시 후에 통화를 마쳐야 합니다.",
        _T.BUDGET_EXHAUSTED: (
            "죄송합니다. 여기서 마쳐야 합니다. 나중에 다시 시도해 주세요. 안녕히 계세요."
        ),
    },
    "lt": {
        _T.CONNECTION_DROPPED: "Atsiprašau, ryšys trumpam nutrūko.",
        _T.CANNOT_ANSWER: "Atsiprašau, šiuo metu negaliu atsakyti. Prašome bandyti dar kartą.",
        _T.CANNOT_HEAR: "Atsiprašau, šiuo metu jūsų negirdžiu. Prašome palaukti akimirką.",
        _T.TECHNICAL_PROBLEM: (
            "Atsiprašau, turime techninių nesklandumų. Prašome paskambinti vėliau."
        ),
        _T.STILL_THERE: "Ar jūs dar klausotės?",
        _T.ENDING_SOON: "Netrukus turėsime baigti pokalbį.",
        _T.BUDGET_EXHAUSTED: (
            "Atsiprašau, turime čia baigti pokalbį. Prašome bandyti vėliau. Viso gero."
        ),
    },
    "lv": {
        _T.CONNECTION_DROPPED: "Atvainojiet, savienojums uz brīdi pārtrūka.",
        _T.CANNOT_ANSWER: "Atvainojiet, pašlaik nevaru atbildēt. Lūdzu, mēģiniet vēlreiz.",
        _T.CANNOT_HEAR: "Atvainojiet, pašlaik jūs nedzirdu. Lūdzu, uzgaidiet brīdi.",
        _T.TECHNICAL_PROBLEM: ("Atvainojiet, mums ir tehniska problēma. Lūdzu, zvaniet vēlāk."),
        _T.STILL_THERE: "Vai jūs vēl esat uz līnijas?",
        _T.ENDING_SOON: "Mums drīz būs jābeidz saruna.",
        _T.BUDGET_EXHAUSTED: (
            "Atvainojiet, mums šeit jābeidz saruna. Lūdzu, mēģiniet vēlāk. Uz redzēšanos."
        ),
    },
    "ml": {
        _T.CONNECTION_DROPPED: "ക്ഷമിക്കണം, ഒരു നിമിഷം ലൈൻ കട്ടായി.",
        _T.CANNOT_ANSWER: ("ക്ഷമിക്കണം, ഇപ്പോൾ മറുപടി പറയാൻ കഴിയുന്നില്ല. ദയവായി വീണ്ടും ശ്രമിക്കുക."),
        _T.CANNOT_HEAR: (
            "ക്ഷമിക്കണം, ഇപ്പോൾ നിങ്ങളുടെ ശബ്ദം കേൾക്കാൻ കഴിയുന്നില്ല. ദയവായി ഒരു നിമിഷം കാത്തിരിക്കൂ."
        ),
        _T.TECHNICAL_PROBLEM: ("ക്ഷമിക്കണം, ഞങ്ങൾക്ക് ഒരു സാങ്കേതിക തകരാറുണ്ട്. ദയവായി പിന്നീട് വീണ്ടും വിളിക്കുക."),
        _T.STILL_THERE: "നിങ്ങൾ ഇപ്പോഴും ലൈനിൽ ഉണ്ടോ?",
        _T.ENDING_SOON: "അൽപ്പസമയത്തിനകം നമുക്ക് സംഭാഷണം അവസാനിപ്പിക്കേണ്ടി വരും.",
        _T.BUDGET_EXHAUSTED: (
            "ക്ഷമിക്കണം, നമുക്ക് ഇവിടെ സംഭാഷണം അവസാനിപ്പിക്കേണ്ടി വരുന്നു. ദയവായി പിന്നീട് വീണ്ടും ശ്രമിക്കുക. നമസ്കാരം."
        ),
    },
    "mr": {
        _T.CONNECTION_DROPPED: "माफ करा, क्षणभर लाइन तुटली होती.",
        _T.CANNOT_ANSWER: "माफ करा, आत्ता उत्तर देणे शक्य नाही. कृपया पुन्हा प्रयत्न करा.",
        _T.CANNOT_HEAR: "माफ करा, आत्ता तुमचा आवाज ऐकू येत नाही. कृपया एक क्षण थांबा.",
        _T.TECHNICAL_PROBLEM: ("माफ करा, आम्हाला तांत्रिक अडचण येत आहे. कृपया नंतर पुन्हा फोन करा."),
        _T.STILL_THERE: "तुम्ही अजून लाइनवर आहात का?",
        _T.ENDING_SOON: "आपल्याला थोड्याच वेळात संभाषण संपवावे लागेल.",
        _T.BUDGET_EXHAUSTED: (
            "माफ करा, आपल्याला इथेच संभाषण संपवावे लागत आहे. कृपया नंतर पुन्हा प्रयत्न करा. नमस्कार."
        ),
    },
    "ms": {
        _T.CONNECTION_DROPPED: "Maaf, talian terputus seketika tadi.",
        _T.CANNOT_ANSWER: "Maaf, saya tidak dapat menjawab sekarang. Sila cuba lagi.",
        _T.CANNOT_HEAR: (
            "Maaf, saya tidak dapat mendengar suara anda sekarang. Sila tunggu sebentar."
        ),
        _T.TECHNICAL_PROBLEM: (
            "Maaf, kami menghadapi masalah teknikal. Sila hubungi kami semula kemudian."
        ),
        _T.STILL_THERE: "Adakah anda masih di talian?",
        _T.ENDING_SOON: "Kita perlu menamatkan perbualan sebentar lagi.",
        _T.BUDGET_EXHAUSTED: (
            "Maaf, kita perlu menamatkan perbualan di sini. Sila cuba lagi kemudian. Jumpa lagi."
        ),
    },
    "nl": {
        _T.CONNECTION_DROPPED: "Sorry, de verbinding viel even weg.",
        _T.CANNOT_ANSWER: (
            "Het spijt me, ik kan nu geen antwoord geven. Probeert u het alstublieft opnieuw."
        ),
        _T.CANNOT_HEAR: "Het spijt me, ik kan u nu niet horen. Een ogenblik, alstublieft.",
        _T.TECHNICAL_PROBLEM: (
            "Het spijt me, we hebben een technisch probleem. Belt u alstublieft later terug."
        ),
        _T.STILL_THERE: "Bent u er nog?",
        _T.ENDING_SOON: "We moeten zo afronden.",
        _T.BUDGET_EXHAUSTED: (
            "Het spijt me, we moeten hier stoppen. Probeert u het later alstublieft opnieuw. Tot "
            "ziens."
        ),
    },
    "no": {
        _T.CONNECTION_DROPPED: "Beklager, linjen falt ut et øyeblikk.",
        _T.CANNOT_ANSWER: "Jeg beklager, jeg kan ikke svare akkurat nå. Vennligst prøv igjen.",
        _T.CANNOT_HEAR: "Jeg beklager, jeg kan ikke høre deg akkurat nå. Et øyeblikk, takk.",
        _T.TECHNICAL_PROBLEM: (
            "Jeg beklager, vi har et teknisk problem. Vennligst ring igjen senere."
        ),
        _T.STILL_THERE: "Er du der fortsatt?",
        _T.ENDING_SOON: "Vi må avslutte om et øyeblikk.",
        _T.BUDGET_EXHAUSTED: (
            "Jeg beklager, vi må avslutte her. Vennligst prøv igjen senere. Ha det bra."
        ),
    },
    "or": {
        _T.CONNECTION_DROPPED: "କ୍ଷମା କରିବେ, କିଛି କ୍ଷଣ ପାଇଁ ଲାଇନ କଟିଯାଇଥିଲା।",
        _T.CANNOT_ANSWER: ("କ୍ଷମା କରିବେ, ମୁଁ ଏବେ ଉତ୍ତର ଦେଇପାରୁନାହିଁ। ଦୟାକରି ପୁଣି ଚେଷ୍ଟା କରନ୍ତୁ।"),
        _T.CANNOT_HEAR: ("କ୍ଷମା କରିବେ, ଏବେ ଆପଣଙ୍କ କଥା ଶୁଣାଯାଉନାହିଁ। ଦୟାକରି ଟିକିଏ ଅପେକ୍ଷା କରନ୍ତୁ।"),
        _T.TECHNICAL_PROBLEM: ("କ୍ଷମା କରିବେ, ଆମର ଏକ ବୈଷୟିକ ସମସ୍ୟା ହେଉଛି। ଦୟାକରି ପରେ ପୁଣି ଫୋନ କରନ୍ତୁ।"),
        _T.STILL_THERE: "ଆପଣ ଏବେ ମଧ୍ୟ ଲାଇନରେ ଅଛନ୍ତି କି?",
        _T.ENDING_SOON: "ଆମକୁ ଅଳ୍ପ ସମୟ ମଧ୍ୟରେ କଥା ଶେଷ କରିବାକୁ ପଡ଼ିବ।",
        _T.BUDGET_EXHAUSTED: ("କ୍ଷମା କରିବେ, ଆମକୁ ଏଠାରେ କଥା ଶେଷ କରିବାକୁ ପଡ଼ୁଛି। ଦୟାକରି ପରେ ପୁଣି ଚେଷ୍ଟା କରନ୍ତୁ। ନମସ୍କାର।"),
    },
    "pa": {
        _T.CONNECTION_DROPPED: "ਮਾਫ਼ ਕਰਨਾ, ਕੁਝ ਪਲਾਂ ਲਈ ਲਾਈਨ ਕੱਟੀ ਗਈ ਸੀ।",
        _T.CANNOT_ANSWER: ("ਮਾਫ਼ ਕਰਨਾ, ਇਸ ਵੇਲੇ ਜਵਾਬ ਦੇਣਾ ਸੰਭਵ ਨਹੀਂ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਦੁਬਾਰਾ ਕੋਸ਼ਿਸ਼ ਕਰੋ।"),
        _T.CANNOT_HEAR: ("ਮਾਫ਼ ਕਰਨਾ, ਇਸ ਵੇਲੇ ਤੁਹਾਡੀ ਆਵਾਜ਼ ਸੁਣਾਈ ਨਹੀਂ ਦੇ ਰਹੀ। ਕਿਰਪਾ ਕਰਕੇ ਇੱਕ ਪਲ ਰੁਕੋ।"),
        _T.TECHNICAL_PROBLEM: (
            "ਮਾਫ਼ ਕਰਨਾ, ਸਾਨੂੰ ਤਕਨੀਕੀ ਸਮੱਸਿਆ ਆ ਰਹੀ ਹੈ। ਕਿਰਪਾ ਕਰਕੇ ਬਾਅਦ ਵਿੱਚ ਦੁਬਾਰਾ ਫ਼ੋਨ ਕਰੋ।"
        ),
        _T.STILL_THERE: "ਕੀ ਤੁਸੀਂ ਹਾਲੇ ਵੀ ਲਾਈਨ 'ਤੇ ਹੋ?",
        _T.ENDING_SOON: "ਸਾਨੂੰ ਥੋੜ੍ਹੀ ਹੀ ਦੇਰ ਵਿੱਚ ਗੱਲਬਾਤ ਖ਼ਤਮ ਕਰਨੀ ਪਵੇਗੀ।",
        _T.BUDGET_EXHAUSTED: (
            "ਮਾਫ਼ ਕਰਨਾ, ਸਾਨੂੰ ਇੱਥੇ ਹੀ ਗੱਲਬਾਤ ਖ਼ਤਮ ਕਰਨੀ ਪਵੇਗੀ। ਕਿਰਪਾ ਕਰਕੇ ਬਾਅਦ ਵਿੱਚ ਦੁਬਾਰਾ ਕੋਸ਼ਿਸ਼ ਕਰੋ। ਫਿਰ ਮਿਲਾਂਗੇ।"
        ),
    },
    "pl": {
        _T.CONNECTION_DROPPED: "Przepraszam, połączenie na chwilę się przerwało.",
        _T.CANNOT_ANSWER: (
            "Przepraszam, w tej chwili nie mogę odpowiedzieć. Proszę spróbować ponownie."
        ),
        _T.CANNOT_HEAR: ("Przepraszam, w tej chwili nic nie słyszę. Proszę o chwilę cierpliwości."),
        _T.TECHNICAL_PROBLEM: ("Przepraszam, mamy problem techniczny. Proszę zadzwonić później."),
        _T.STILL_THERE: "Czy nadal się słyszymy?",
        _T.ENDING_SOON: "Za chwilę musimy zakończyć rozmowę.",
        _T.BUDGET_EXHAUSTED: (
            "Przepraszam, musimy w tym miejscu zakończyć. Proszę spróbować ponownie później. Do "
            "widzenia."
        ),
    },
    "pt": {
        _T.CONNECTION_DROPPED: "Desculpe, a ligação caiu por um momento.",
        _T.CANNOT_ANSWER: (
            "Lamento, não posso responder neste momento. Por favor, tente novamente."
        ),
        _T.CANNOT_HEAR: ("Lamento, agora não consigo ouvir a sua voz. Um momento, por favor."),
        _T.TECHNICAL_PROBLEM: (
            "Lamento, temos um problema técnico. Por favor, ligue novamente mais tarde."
        ),
        _T.STILL_THERE: "Ainda está na linha?",
        _T.ENDING_SOON: "Teremos de terminar em instantes.",
        _T.BUDGET_EXHAUSTED: (
            "Lamento, temos de terminar aqui. Por favor, tente novamente mais tarde. Até logo."
        ),
    },
    "ro": {
        _T.CONNECTION_DROPPED: "Îmi cer scuze, linia s-a întrerupt pentru o clipă.",
        _T.CANNOT_ANSWER: "Îmi pare rău, nu pot răspunde acum. Vă rog să încercați din nou.",
        _T.CANNOT_HEAR: "Îmi pare rău, nu vă aud în acest moment. O clipă, vă rog.",
        _T.TECHNICAL_PROBLEM: (
            "Îmi pare rău, avem o problemă tehnică. Vă rog să sunați din nou mai târziu."
        ),
        _T.STILL_THERE: "Mai sunteți pe fir?",
        _T.ENDING_SOON: "Trebuie să încheiem peste câteva clipe.",
        _T.BUDGET_EXHAUSTED: (
            "Îmi pare rău, trebuie să încheiem aici. Vă rog să încercați din nou mai târziu. La "
            "revedere."
        ),
    },
    "ru": {
        _T.CONNECTION_DROPPED: "Извините, связь ненадолго прервалась.",
        _T.CANNOT_ANSWER: ("Извините, сейчас я не могу ответить. Пожалуйста, попробуйте ещё раз."),
        _T.CANNOT_HEAR: "Извините, сейчас я вас не слышу. Одну минуту, пожалуйста.",
        _T.TECHNICAL_PROBLEM: (
            "Извините, у нас технические неполадки. Пожалуйста, перезвоните позже."
        ),
        _T.STILL_THERE: "Вы ещё на линии?",
        _T.ENDING_SOON: "Скоро нам придётся закончить разговор.",
        _T.BUDGET_EXHAUSTED: (
            "Извините, нам придётся на этом закончить. Пожалуйста, попробуйте позже. До свидания."
        ),
    },
    "sk": {
        _T.CONNECTION_DROPPED: "Prepáčte, spojenie sa na chvíľu prerušilo.",
        _T.CANNOT_ANSWER: (
            "Ospravedlňujem sa, teraz vám nemôžem odpovedať. Skúste to, prosím, znova."
        ),
        _T.CANNOT_HEAR: "Ospravedlňujem sa, teraz vás nepočujem. Moment, prosím.",
        _T.TECHNICAL_PROBLEM: (
            "Ospravedlňujem sa, máme technický problém. Zavolajte, prosím, neskôr."
        ),
        _T.STILL_THERE: "Ste ešte na linke?",
        _T.ENDING_SOON: "O chvíľu budeme musieť skončiť.",
        _T.BUDGET_EXHAUSTED: (
            "Ospravedlňujem sa, ale musíme teraz skončiť. Skúste to, prosím, neskôr. Dovidenia."
        ),
    },
    "sv": {
        _T.CONNECTION_DROPPED: "Ursäkta, linjen bröts ett ögonblick.",
        _T.CANNOT_ANSWER: ("Jag beklagar, jag kan inte svara just nu. Var vänlig och försök igen."),
        _T.CANNOT_HEAR: "Jag beklagar, jag kan inte höra dig just nu. Ett ögonblick, tack.",
        _T.TECHNICAL_PROBLEM: (
            "Jag beklagar, vi har ett tekniskt problem. Var vänlig och ring igen senare."
        ),
        _T.STILL_THERE: "Är du kvar?",
        _T.ENDING_SOON: "Vi måste avsluta om ett ögonblick.",
        _T.BUDGET_EXHAUSTED: (
            "Jag beklagar, vi måste avsluta här. Var vänlig och försök igen senare. Hej då."
        ),
    },
    "ta": {
        _T.CONNECTION_DROPPED: "மன்னிக்கவும், ஒரு கணம் இணைப்பு துண்டிக்கப்பட்டது.",
        _T.CANNOT_ANSWER: ("மன்னிக்கவும், இப்போது பதிலளிக்க முடியவில்லை. தயவுசெய்து மீண்டும் முயற்சிக்கவும்."),
        _T.CANNOT_HEAR: ("மன்னிக்கவும், இப்போது உங்கள் குரல் கேட்கவில்லை. தயவுசெய்து ஒரு நிமிடம் காத்திருங்கள்."),
        _T.TECHNICAL_PROBLEM: (
            "மன்னிக்கவும், எங்களுக்கு ஒரு தொழில்நுட்பச் சிக்கல் ஏற்பட்டுள்ளது. தயவுசெய்து பிறகு மீண்டும் அழைக்கவும்."
        ),
        _T.STILL_THERE: "நீங்கள் இன்னும் இணைப்பில் இருக்கிறீர்களா?",
        _T.ENDING_SOON: "இன்னும் சற்று நேரத்தில் நாம் பேச்சை முடிக்க வேண்டும்.",
        _T.BUDGET_EXHAUSTED: (
            "மன்னிக்கவும், நாம் இத்துடன் பேச்சை முடிக்க வேண்டியுள்ளது. தயவுசெய்து பிறகு மீண்டும் "
            "முயற்சிக்கவும். வணக்கம்."
        ),
    },
    "te": {
        _T.CONNECTION_DROPPED: "క్షమించండి, ఒక్క క్షణం లైన్ కట్ అయింది.",
        _T.CANNOT_ANSWER: ("క్షమించండి, ఇప్పుడు సమాధానం ఇవ్వలేకపోతున్నాను. దయచేసి మళ్లీ ప్రయత్నించండి."),
        _T.CANNOT_HEAR: ("క్షమించండి, ఇప్పుడు మీ మాటలు వినిపించడం లేదు. దయచేసి ఒక్క క్షణం ఆగండి."),
        _T.TECHNICAL_PROBLEM: ("క్షమించండి, మాకు సాంకేతిక సమస్య ఎదురైంది. దయచేసి కాసేపటి తర్వాత మళ్లీ కాల్ చేయండి."),
        _T.STILL_THERE: "మీరు ఇంకా లైనులో ఉన్నారా?",
        _T.ENDING_SOON: "మనం కాసేపట్లో సంభాషణ ముగించాలి.",
        _T.BUDGET_EXHAUSTED: (
            "క్షమించండి, మనం సంభాషణను ఇక్కడితో ముగించాల్సి వస్తోంది. దయచేసి తర్వాత మళ్లీ ప్రయత్నించండి. నమస్కారం."
        ),
    },
    "th": {
        _T.CONNECTION_DROPPED: "ขออภัย สายหลุดไปชั่วขณะ",
        _T.CANNOT_ANSWER: "ขออภัย ขณะนี้ยังไม่สามารถตอบได้ กรุณาลองใหม่อีกครั้ง",
        _T.CANNOT_HEAR: "ขออภัย ขณะนี้ไม่ได้ยินเสียงของคุณ กรุณารอสักครู่",
        _T.TECHNICAL_PROBLEM: "ขออภัย ขณะนี้เรามีปัญหาทางเทคนิค กรุณาโทรกลับมาใหม่ภายหลัง",
        _T.STILL_THERE: "คุณยังอยู่ในสายไหม",
        _T.ENDING_SOON: "อีกสักครู่เราต้องจบการสนทนา",
        _T.BUDGET_EXHAUSTED: ("ขออภัย เราต้องจบการสนทนาเพียงเท่านี้ กรุณาลองใหม่ภายหลัง สวัสดี"),
    },
    "tl": {
        _T.CONNECTION_DROPPED: "Paumanhin po, naputol sandali ang linya.",
        _T.CANNOT_ANSWER: ("Paumanhin po, hindi po ako makasagot sa ngayon. Pakisubukan po muli."),
        _T.CANNOT_HEAR: "Paumanhin po, hindi ko po kayo marinig sa ngayon. Sandali lang po.",
        _T.TECHNICAL_PROBLEM: (
            "Paumanhin po, may problemang teknikal po kami. Pakitawagan po kami muli mamaya."
        ),
        _T.STILL_THERE: "Nariyan pa po ba kayo?",
        _T.ENDING_SOON: "Kailangan na po nating magtapos maya-maya.",
        _T.BUDGET_EXHAUSTED: (
            "Paumanhin po, kailangan na po nating magtapos dito. Pakisubukan po muli mamaya. "
            "Paalam po."
        ),
    },
    "tr": {
        _T.CONNECTION_DROPPED: "Özür dilerim, hat bir an için kesildi.",
        _T.CANNOT_ANSWER: "Özür dilerim, şu anda cevap veremiyorum. Lütfen tekrar deneyin.",
        _T.CANNOT_HEAR: "Özür dilerim, şu anda sizi duyamıyorum. Bir dakika lütfen.",
        _T.TECHNICAL_PROBLEM: (
            "Özür dilerim, teknik bir sorun yaşıyoruz. Lütfen daha sonra tekrar arayın."
        ),
        _T.STILL_THERE: "Hâlâ hatta mısınız?",
        _T.ENDING_SOON: "Birazdan görüşmeyi bitirmemiz gerekiyor.",
        _T.BUDGET_EXHAUSTED: (
            "Özür dilerim, görüşmeyi burada bitirmemiz gerekiyor. Lütfen daha sonra tekrar "
            "deneyin. Hoşça kalın."
        ),
    },
    "uk": {
        _T.CONNECTION_DROPPED: "Перепрошую, зв'язок ненадовго перервався.",
        _T.CANNOT_ANSWER: ("Перепрошую, зараз я не можу відповісти. Будь ласка, спробуйте ще раз."),
        _T.CANNOT_HEAR: "Перепрошую, зараз я вас не чую. Хвилинку, будь ласка.",
        _T.TECHNICAL_PROBLEM: (
            "Перепрошую, у нас технічні неполадки. Будь ласка, зателефонуйте пізніше."
        ),
        _T.STILL_THERE: "Ви ще на лінії?",
        _T.ENDING_SOON: "Невдовзі нам доведеться завершити розмову.",
        _T.BUDGET_EXHAUSTED: (
            "Перепрошую, нам доведеться на цьому завершити. Будь ласка, спробуйте пізніше. До "
            "побачення."
        ),
    },
    "ur": {
        _T.CONNECTION_DROPPED: "معاف کیجیے، لائن کچھ لمحوں کے لیے کٹ گئی تھی۔",
        _T.CANNOT_ANSWER: (
            "معاف کیجیے، اس وقت جواب دینا ممکن نہیں ہے۔ براہِ کرم دوبارہ کوشش کیجیے۔"
        ),
        _T.CANNOT_HEAR: (
            "معاف کیجیے، اس وقت آپ کی آواز سنائی نہیں دے رہی ہے۔ براہِ کرم ایک لمحہ انتظار کیجیے۔"
        ),
        _T.TECHNICAL_PROBLEM: (
            "معاف کیجیے، ہمیں ایک تکنیکی مسئلہ درپیش ہے۔ براہِ کرم بعد میں دوبارہ فون کیجیے۔"
        ),
        _T.STILL_THERE: "کیا آپ ابھی بھی لائن پر ہیں؟",
        _T.ENDING_SOON: "ہمیں تھوڑی ہی دیر میں بات ختم کرنی ہوگی۔",
        _T.BUDGET_EXHAUSTED: (
            "معاف کیجیے، ہمیں یہیں بات ختم کرنی ہوگی۔ براہِ کرم بعد میں دوبارہ کوشش کیجیے۔ خدا حافظ۔"
        ),
    },
    "vi": {
        _T.CONNECTION_DROPPED: "Xin lỗi, đường truyền vừa bị gián đoạn trong giây lát.",
        _T.CANNOT_ANSWER: "Xin lỗi, hiện tôi chưa thể trả lời. Xin quý khách vui lòng thử lại.",
        _T.CANNOT_HEAR: (
            "Xin lỗi, hiện tôi không nghe thấy quý khách. Xin quý khách vui lòng chờ một chút."
        ),
        _T.TECHNICAL_PROBLEM: (
            "Xin lỗi, chúng tôi đang gặp sự cố kỹ thuật. Xin quý khách vui lòng gọi lại sau."
        ),
        _T.STILL_THERE: "Quý khách còn nghe máy không ạ?",
        _T.ENDING_SOON: "Chúng ta sắp phải kết thúc cuộc trò chuyện.",
        _T.BUDGET_EXHAUSTED: (
            "Xin lỗi, chúng ta phải kết thúc tại đây. Xin quý khách vui lòng thử lại sau. Tạm biệt "
            "quý khách."
        ),
    },
    "zh": {
        _T.CONNECTION_DROPPED: "抱歉，线路刚才中断了一下。",
        _T.CANNOT_ANSWER: "很抱歉，我现在无法回答。请您再试一次。",
        _T.CANNOT_HEAR: "很抱歉，我现在听不到您的声音。请稍等。",
        _T.TECHNICAL_PROBLEM: "很抱歉，我们遇到了技术问题。请您稍后再来电。",
        _T.STILL_THERE: "请问您还在线吗？",
        _T.ENDING_SOON: "我们马上就要结束通话了。",
        _T.BUDGET_EXHAUSTED: "很抱歉，我们只能到此结束。请您稍后再试。再见。",
    },
}
"""The texts by the primary subtag of their language."""

_ALIASES = {"od": "or"}
"""Sarvam's own subtag for Odia, which is `or` everywhere else."""


def text_language(tag: str) -> str:
    """The key of a language in `DEFAULT_SPOKEN_TEXTS`, which has no regions: `hi` for `hi-IN`."""
    subtag = primary_subtag(tag)
    return _ALIASES.get(subtag, subtag)


def default_spoken_text(text: SpokenText, language: str) -> str | None:
    """The product's own text in the language; None if there is none."""
    return DEFAULT_SPOKEN_TEXTS.get(text_language(language), {}).get(text)
