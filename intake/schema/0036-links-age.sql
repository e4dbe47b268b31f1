-- Links of long ago decide nothing by themselves ([identify] links-age).
GRANT SELECT (city_code, kind, source, state, as_of) ON registry_import TO uketsuke_identify;
