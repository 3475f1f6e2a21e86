"""Texts that the English encoder cannot read, on which the head has to be uncertain."""

from __future__ import annotations

import numpy as np

N_NONSENSE_TEXTS = 150

FOREIGN_TEXTS = (
    "Gestern habe ich meinen alten Lehrer am Bahnhof getroffen.",
    "Das Wetter wird morgen besser.",
    "Die Kinder spielen im Garten hinter dem Haus.",
    "Er hat den Schlüssel wieder vergessen.",
    "Nous avons mangé du poisson au bord de la mer.",
    "Le train part à huit heures du matin.",
    "Ma sœur travaille dans une école primaire.",
    "Il ne veut plus jamais lui parler.",
    "La policía encontró el coche robado cerca del río.",
    "Mañana vamos a visitar a mis abuelos.",
    "El libro que compré es muy aburrido.",
    "¿Dónde está la estación de autobuses?",
    "Il gatto nero dorme sulla sedia della cucina.",
    "Non ho mai visto una montagna così alta.",
    "Stasera andiamo al cinema con gli amici.",
    "La casa era vecchia e fredda.",
    "O menino perdeu o seu brinquedo na praia.",
    "Amanhã vou trabalhar até tarde.",
    "A cidade estava cheia de gente.",
    "Gosto muito de ouvir música antiga.",
    "De fiets staat al drie dagen voor de deur.",
    "Wij gaan morgen naar het strand.",
    "Hij was erg boos over de vertraging.",
    "Het eten smaakte heerlijk.",
    "Wczoraj kupiłem świeży chleb na targu.",
    "Dzieci boją się ciemności.",
    "Nasz pociąg spóźnił się dwie godziny.",
    "To była piękna wiosna.",
    "Dün akşam çok güzel bir film izledik.",
    "Çocuk bahçede top oynuyor.",
    "Bu haber herkesi üzdü.",
    "Yarın sabah erken kalkmam gerekiyor.",
    "Мы долго ждали автобус под дождём.",
    "Она улыбнулась и закрыла окно.",
    "Этот город был разрушен войной.",
    "Завтра у нас большой праздник.",
    "孩子们在学校门口等他们的父母。",
    "昨天晚上发生了严重的车祸。",
    "她非常喜欢这本新书。",
    "火车晚点了两个小时。",
    "駅の前に新しい喫茶店ができました。",
    "弟は犬がとても怖いです。",
    "明日は友達と海へ行きます。",
    "彼は何も言わずに帰った。",
    "우리는 어제 공원에서 사진을 찍었다.",
    "그 소식을 듣고 모두가 울었다.",
    "내일은 비가 올 것 같다.",
    "ذهبنا إلى السوق لشراء الخضار.",
    "كان الولد خائفا من الكلب.",
    "الجو جميل هذا الصباح.",
    "Eilen satoi lunta koko päivän.",
    "Koira haukkui vieraalle miehelle.",
    "Olen todella iloinen tästä uutisesta.",
    "Flickan gråtér eftersom hon tappade sin boll.",
    "Vi åker till landet på fredag.",
    "Det var en kall och mörk natt.",
    "हम कल शाम नदी के किनारे गए थे।",
    "बच्चे मैदान में खेल रहे हैं।",
    "यह बहुत दुखद समाचार है।",
    "Chúng tôi đi chợ vào sáng sớm.",
    "Anh ấy rất tức giận.",
    "Anak itu menangis karena lapar.",
    "Kemarin kami pergi ke pantai.",
    "Tegnap egész nap esett az eső.",
    "A kutya hangosan ugatott az udvaron.",
)
"""Plain sentences in 25 languages, written for this."""


def make_nonsense_texts(count: int, seed: int) -> list[str]:
    """Texts of two to nine words of random letters; in every second one, vowels alternate with consonants."""
    rng = np.random.default_rng(seed)
    texts = []
    for number in range(count):
        words = []
        for length in rng.integers(3, 9, size=rng.integers(2, 10)):
            letters = rng.choice(list("bcdfghjklmnpqrstvwxyz"), size=length)
            letters[1::2] = rng.choice(list("aeiou"), size=length)[1::2] if number % 2 else letters[1::2]
            words.append("".join(letters))
        texts.append(" ".join(words))
    return texts
