"""Lines in Latin letters that are not English."""

import pytest

from angen.conditioning.foreign import UNSURE, foreign_languages

SONGS = {
    "French": [
        "Sous le ciel gris de la ville",
        "Je marche seul dans la rue",
        "Tu n'es plus là, mon amour",
        "Bonjour tristesse",
        "On danse jusqu'au matin",
        "Ne pars pas sans moi",
    ],
    "German": [
        "Ich gehe durch die Nacht",
        "Der Himmel ist so weit",
        "Komm mit mir ans Meer",
        "Wir tanzen im Regen",
        "Alles wird wieder gut",
        "Sag mir, wohin du gehst",
    ],
    "Spanish": [
        "Camino por la calle sola",
        "Bailando bajo la luna",
        "¿Dónde estás, mi corazón?",
        "Quiero volver a verte",
        "Te llevo en el alma",
        "Nunca te olvidaré",
    ],
    "Italian": [
        "Cammino sotto la pioggia",
        "Il sole nasce sul mare",
        "Non ti scordar di me",
        "Voglio vivere così",
        "Che bella giornata",
        "Senza di te non vivo",
    ],
    "Portuguese": [
        "Eu não sei viver sem você",
        "A lua brilha sobre o mar",
        "Saudade do meu coração",
        "Vem dançar comigo",
        "Tudo o que eu quero é amor",
        "Cai a chuva na cidade",
    ],
    "Dutch": [
        "Ik loop alleen door de straat",
        "De maan schijnt op het water",
        "Ik hou van jou",
        "Waar ben je nu",
        "Blijf nog even bij mij",
        "Niets is wat het lijkt",
    ],
    "Swedish": [
        "Jag går ensam genom staden",
        "Månen lyser över havet",
        "Jag älskar dig",
        "Var är du nu",
        "Stanna hos mig i natt",
        "Det finns ingen väg tillbaka",
    ],
    "Danish or Norwegian": [
        "Jeg går alene gennem byen",
        "Månen lyser over havet",
        "Jeg elsker dig",
        "Hvor er du nå",
        "Bli hos meg i natt",
        "Det er ikke for sent",
    ],
    "Polish": [
        "Idę sam przez miasto nocą",
        "Księżyc świeci nad morzem",
        "Kocham cię na zawsze",
        "Gdzie jesteś teraz",
        "Zostań ze mną",
        "Nie ma już nas",
    ],
    "Czech or Slovak": [
        "Jdu sám nočním městem",
        "Měsíc svítí nad mořem",
        "Miluju tě napořád",
        "Kde jsi teď",
        "Zůstaň se mnou",
        "Už není cesty zpět",
    ],
    "Hungarian": [
        "Egyedül megyek az éjszakában",
        "A hold fénye a vízen",
        "Szeretlek, ne menj el",
        "Hol vagy most",
        "Maradj még velem",
        "Nincs már visszaút",
    ],
    "Romanian": [
        "Merg singur prin oraș",
        "Luna strălucește pe mare",
        "Te iubesc pentru totdeauna",
        "Unde ești acum",
        "Rămâi cu mine în noapte",
        "Nu mai este drum înapoi",
    ],
    "Finnish": [
        "Kuljen yksin läpi yön",
        "Kuu loistaa meren yllä",
        "Rakastan sinua aina",
        "Missä sinä olet nyt",
        "Jää vielä luokseni",
        "Ei ole enää tietä takaisin",
    ],
    "Turkish": [
        "Gecenin içinde yalnız yürüyorum",
        "Ay denizin üstünde parlıyor",
        "Seni seviyorum",
        "Neredesin şimdi",
        "Benimle kal bu gece",
        "Artık geri dönüş yok",
    ],
    "Vietnamese": [
        "Anh đi một mình trong đêm",
        "Trăng sáng trên biển",
        "Em yêu anh mãi mãi",
        "Giờ em ở đâu",
        "Ở lại với anh đêm nay",
        "Không còn đường về",
    ],
    "Indonesian or Malay": [
        "Aku berjalan sendiri di malam hari",
        "Bulan bersinar di atas laut",
        "Aku cinta kamu selamanya",
        "Di mana kau sekarang",
        "Jangan pergi dari hatiku",
        "Tak ada jalan kembali",
    ],
    "Tagalog": [
        "Naglalakad ako sa gabi",
        "Ang buwan sa ibabaw ng dagat",
        "Mahal kita magpakailanman",
        "Nasaan ka na ngayon",
        "Huwag mo akong iwan",
        "Wala na ang puso ko",
    ],
    "Japanese in Latin letters": [
        "Kimi no koe ga kikoeru",
        "Yozora ni hoshi wo sagashite",
        "Boku wa koko ni iru yo",
        "Itsuka mata aeru kara",
        "Namida ga tomaranai",
        "Sono te wo hanasanaide",
    ],
    "Hindi in Latin letters": [
        "Tum hi ho mera pyar",
        "Dil ki baat suno",
        "Main akela hoon raat mein",
        "Kya tum mere ho",
        "Zindagi ek safar hai",
        "Tera naam leke",
    ],
    "Croatian or Serbian": [
        "Hodam sam kroz noć",
        "Mjesec sja nad morem",
        "Volim te zauvijek",
        "Gdje si ti sada",
        "Ostani još sa mnom",
        "Nema više puta nazad",
    ],
    "Lithuanian": [
        "Aš einu vienas per naktį",
        "Mėnulis šviečia virš jūros",
        "Aš tave myliu",
        "Kur tu dabar",
        "Pasilik su manimi",
        "Nėra kelio atgal",
    ],
    "Latvian": [
        "Es eju viens caur nakti",
        "Mēness spīd pār jūru",
        "Es tevi mīlu",
        "Kur tu tagad esi",
        "Paliec ar mani",
        "Nav ceļa atpakaļ",
    ],
    "Estonian": [
        "Ma kõnnin üksi läbi öö",
        "Kuu paistab mere kohal",
        "Ma armastan sind",
        "Kus sa oled nüüd",
        "Jää veel minuga",
        "Ei ole enam tagasiteed",
    ],
    "Icelandic": [
        "Ég geng einn um nóttina",
        "Tunglið skín yfir hafinu",
        "Ég elska þig",
        "Hvar ert þú núna",
        "Vertu hjá mér",
        "Það er ekki leið til baka",
    ],
    "Catalan": [
        "Camino sol per la nit",
        "La lluna brilla sobre el mar",
        "T'estimo per sempre",
        "On ets ara",
        "Queda't amb mi",
        "No hi ha camí de tornada",
    ],
    "Swahili": [
        "Natembea peke yangu usiku",
        "Mwezi unang'aa juu ya bahari",
        "Nakupenda milele",
        "Uko wapi sasa",
        "Kaa na mimi leo",
        "Hakuna njia ya kurudi",
    ],
}


@pytest.mark.parametrize("language", SONGS)
def test_the_language_of_a_song_is_found_in_each_of_its_lines(language: str) -> None:
    assert foreign_languages(SONGS[language]) == [language] * len(SONGS[language])


@pytest.mark.parametrize("language", SONGS)
def test_most_lines_alone_show_their_language(language: str) -> None:
    alone = [foreign_languages([line])[0] for line in SONGS[language]]
    assert alone.count(language) + alone.count(UNSURE) >= 3
    assert sum(look not in (language, UNSURE, None) for look in alone) <= 1  # a neighbour's


ENGLISH = (
    *(
        "la la la",
        "oh yeah baby",
        "ba ba ba",
        "Doo wop",
        "hello",
        "I'm on my own",
        "Chasing shadows",
    ),
    *("C'mon everybody", "Los Angeles", "rock n roll all night", "Don't let me down", "Neon rain"),
    *(
        "City lights are calling me home",
        "I walk the road at night",
        "Broken wings",
        "café in the rain",
    ),
    *("My war is over, come die with me", "Hat in hand", "The sin of man", "No me without you", ""),
)


@pytest.mark.parametrize("line", ENGLISH)
def test_english_lines_are_not_taken_for_anything_else(line: str) -> None:
    assert foreign_languages([line]) == [None]


def test_an_english_line_in_a_spanish_song_stays_english() -> None:
    lines = [*SONGS["Spanish"], "hello my friend of the night"]
    assert foreign_languages(lines) == ["Spanish"] * 6 + [None]
