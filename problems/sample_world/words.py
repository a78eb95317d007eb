"""The open word classes as tables, a word a line, in English, German and French; `lexicon` reads them."""

# English; what it is | German, gender (then a singular of the weak declension) | French, gender.
# "picture" and "ground" are for pictures alone: they keep a noun out of what happens.
NOUNS = """
man men person | Mann Männer m | homme hommes m
woman women person | Frau Frauen f | femme femmes f
boy boys person | Junge Jungen m Jungen | garçon garçons m
girl girls person | Mädchen Mädchen n | fille filles f
child children person | Kind Kinder n | enfant enfants m
king kings person | König Könige m | roi rois m
queen queens person | Königin Königinnen f | reine reines f
teacher teachers person | Lehrer Lehrer m | professeur professeurs m
police_officer police_officers person | Polizist Polizisten m Polizisten | policier policiers m
bus_driver bus_drivers person | Busfahrer Busfahrer m | chauffeur chauffeurs m
dog dogs animal | Hund Hunde m | chien chiens m
cat cats animal | Katze Katzen f | chat chats m
bird birds animal | Vogel Vögel m | oiseau oiseaux m
horse horses animal | Pferd Pferde n | cheval chevaux m
bear bears animal | Bär Bären m Bären | ours ours m
ball balls thing,small | Ball Bälle m | ballon ballons m
book books thing,small,written,shut | Buch Bücher n | livre livres m
picture pictures thing,small | Bild Bilder n | image images f
apple apples thing,small | Apfel Äpfel m | pomme pommes f
mushroom mushrooms picture | Pilz Pilze m | champignon champignons m
letter letters thing,small,written,shut | Brief Briefe m | lettre lettres f
key keys thing,small | Schlüssel Schlüssel m | clé clés f
hat hats thing,small | Hut Hüte m | chapeau chapeaux m
school_bag school_bags thing,small,shut | Schultasche Schultaschen f | cartable cartables m
alarm_clock alarm_clocks thing,small | Wecker Wecker m | réveil réveils m
pencil_case pencil_cases thing,small,shut | Federtasche Federtaschen f | trousse trousses f
teddy_bear teddy_bears thing,small | Teddy Teddys m | peluche peluches f
wedding_ring wedding_rings thing,small | Ehering Eheringe m | alliance alliances f
chair chairs thing,on,under,beside | Stuhl Stühle m | chaise chaises f
table tables thing,on,under,beside | Tisch Tische m | table tables f
car cars thing,in,beside | Auto Autos n | voiture voitures f
boat boats thing,in,on,beside | Boot Boote n | bateau bateaux m
house houses place,in,beside,to | Haus Häuser n | maison maisons f
garden gardens place,in,to | Garten Gärten m | jardin jardins m
tree trees place,under,beside,to | Baum Bäume m | arbre arbres m
school schools place,in,beside,to | Schule Schulen f | école écoles f
hospital hospitals place,in,beside,to | Krankenhaus Krankenhäuser n | hôpital hôpitaux m
apple_tree apple_trees place,under,beside,to | Apfelbaum Apfelbäume m | pommier pommiers m
train_station train_stations place,in,beside,to | Bahnhof Bahnhöfe m | gare gares f
town_hall town_halls place,in,beside,to | Rathaus Rathäuser n | mairie mairies f
living_room living_rooms place,in,to | Wohnzimmer Wohnzimmer n | salon salons m
swimming_pool swimming_pools place,in,beside,to | Schwimmbad Schwimmbäder n | piscine piscines f
bus_stop bus_stops place,beside,to | Haltestelle Haltestellen f | arrêt arrêts m
bell bells picture | Glocke Glocken f | cloche cloches f
bottle bottles picture | Flasche Flaschen f | bouteille bouteilles f
cloud clouds picture | Wolke Wolken f | nuage nuages m
crown crowns picture | Krone Kronen f | couronne couronnes f
cup cups picture | Tasse Tassen f | tasse tasses f
fish fish picture | Fisch Fische m | poisson poissons m
flag flags picture | Fahne Fahnen f | drapeau drapeaux m
flower flowers picture | Blume Blumen f | fleur fleurs f
heart hearts picture | Herz Herzen n Herzen | cœur cœurs m
ladder ladders picture | Leiter Leitern f | échelle échelles f
lamp lamps picture | Lampe Lampen f | lampe lampes f
moon moons picture | Mond Monde m | lune lunes f
star stars picture | Stern Sterne m | étoile étoiles f
umbrella umbrellas picture | Regenschirm Regenschirme m | parapluie parapluies m
water waters ground | Wasser Wasser n | eau eaux f
grass grasses ground | Gras Gräser n | herbe herbes f
sand sands ground | Sand Sande m | sable sables m
snow snows ground | Schnee Schnee m | neige neiges f
"""

# English; what it fits | German stem | French forms; a sixth: before a vowel; "+" puts it before the noun.
ADJECTIVES = """
red animal,thing,place | rot | rouge rouge rouges rouges
blue thing,place | blau | bleu bleue bleus bleues
green thing,place | grün | vert verte verts vertes
white animal,thing,place | weiß | blanc blanche blancs blanches
black animal,thing,place | schwarz | noir noire noirs noires
brown picture | braun | brun brune bruns brunes
golden picture | golden | doré dorée dorés dorées
gray picture | grau | gris grise gris grises
purple picture | violett | violet violette violets violettes
small person,animal,thing,place | klein | + petit petite petits petites
big person,animal,thing,place | groß | + grand grande grands grandes
old person,animal,thing,place | alt | + vieux vieille vieux vieilles vieil
young person,animal | jung | + jeune jeune jeunes jeunes
new thing,place | neu | + nouveau nouvelle nouveaux nouvelles nouvel
beautiful person,animal,thing,place | schön | + beau belle beaux belles bel
happy person,animal | glücklich | heureux heureuse heureux heureuses
sad person,animal | traurig | triste triste tristes tristes
tired person,animal | müde | fatigué fatiguée fatigués fatiguées
hungry person,animal | hungrig | affamé affamée affamés affamées
clever person,animal | klug | intelligent intelligente intelligents intelligentes
"""

# English ("*": said of the moment as "is ...ing"; then a particle) | German | French.
# German: infinitive, third person, participle; "sein" in the past, "dat": a dative object, "auf-": a prefix.
# French: infinitive, third person, plural, participle; "être" in the past.
INTRANSITIVE = """
sleep sleeps slept sleeping * | schlafen schläft geschlafen | dormir dort dorment dormi
sing sings sang singing * | singen singt gesungen | chanter chante chantent chanté
dance dances danced dancing * | tanzen tanzt getanzt | danser danse dansent dansé
work works worked working * | arbeiten arbeitet gearbeitet | travailler travaille travaillent travaillé
play plays played playing * | spielen spielt gespielt | jouer joue jouent joué
wait waits waited waiting * | warten wartet gewartet | attendre attend attendent attendu
"""
MOTION = """
go goes went going * | gehen geht gegangen sein | aller va vont allé être
run runs ran running * | laufen läuft gelaufen sein | courir court courent couru
come comes came coming * | kommen kommt gekommen sein | venir vient viennent venu être
"""
TRANSITIVE = """
see sees saw seeing | sehen sieht gesehen | voir voit voient vu
hear hears heard hearing | hören hört gehört | entendre entend entendent entendu
find finds found finding | finden findet gefunden | trouver trouve trouvent trouvé
buy buys bought buying * | kaufen kauft gekauft | acheter achète achètent acheté
look looks looked looking * for | suchen sucht gesucht | chercher cherche cherchent cherché
pick picks picked picking * up | heben hebt aufgehoben auf- | ramasser ramasse ramassent ramassé
open opens opened opening * | machen macht aufgemacht auf- | ouvrir ouvre ouvrent ouvert
close closes closed closing * | machen macht zugemacht zu- | fermer ferme ferment fermé
call calls called calling * | rufen ruft angerufen an- | appeler appelle appellent appelé
help helps helped helping * | helfen hilft geholfen dat | aider aide aident aidé
write writes wrote writing * | schreiben schreibt geschrieben | écrire écrit écrivent écrit
"""
# "The man likes the house": das Haus gefällt dem Mann, la maison plaît à l'homme.
INVERTED = """
like likes liked liking | gefallen gefällt gefallen | plaire plaît plaisent plu
"""
DITRANSITIVE = """
give gives gave giving * | geben gibt gegeben | donner donne donnent donné
show shows showed showing * | zeigen zeigt gezeigt | montrer montre montrent montré
sell sells sold selling * | verkaufen verkauft verkauft | vendre vend vendent vendu
"""
COMPLEMENT = """
say says said saying | sagen sagt gesagt | dire dit disent dit
think thinks thought thinking | glauben glaubt geglaubt | penser pense pensent pensé
know knows knew knowing | wissen weiß gewusst | savoir sait savent su
"""
