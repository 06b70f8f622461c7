"""Small folders in each of GroupLens' layouts, as text, for the tests that read them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.core.schemas.tables import CATALOG
from reelgraph.params.data import Data, Demo, Engine, IngestParams

LATEST = {
    "ratings.csv": "userId,movieId,rating,timestamp\r\n1,1,4.0,964982703\r\n1,2,0.5,964981247\r\n2,1,5.0,964982224\r\n",
    "movies.csv": "\ufeffmovieId,title,genres\r\n1,Toy Story (1995),Animation|Children\r\n"
    '2,"Postman, The (Postino, Il) (1994)",Comedy\r\n3,"Say ""Hi"", You",(no genres listed)\r\n',
    "tags.csv": "userId,movieId,tag,timestamp\r\n1,1,Pixar,1\r\n2,1,pixar ,2\r\n1,1,fun,3\r\n",
    "links.csv": "movieId,imdbId,tmdbId\r\n1,0114709,862\r\n2,0110877,\r\n",
}

ML_1M = {
    "ratings.dat": "1::1::5::978300760\n1::2::3::978302109\n",
    "movies.dat": "1::Misérables, Les: a tale (1998)::Drama|War\n2::Léon (1994)::Action\n",
    "users.dat": "1::F::1::10::48067\n",
}

ML_10M = {
    "ratings.dat": "1::1::0.5::838985046\n2::2::4.5::838983525\n",
    "movies.dat": ML_1M["movies.dat"],
    "tags.dat": "15::1::songs: sung::1215184630\n",
}

FLAGS = "|".join("1" if i in (8, 17) else "0" for i in range(19))

ML_100K = {
    "u.data": "1\t1\t3\t881250949\n2\t2\t5\t891717742\n",
    "u.item": f"1|Misérables, Les (1995)|01-Jan-1995||http://us.imdb.com/|{FLAGS}\n"
    f"2|unknown|04-Feb-1971|||1|{'|'.join('0' * 18)}\n",
}


def write_files(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def ingest_params(source: str, backend: str = "duckdb", **data: str) -> IngestParams:
    places = {"movielens": "none", "tmdb": "none", "catalog": "none", "ratings": "none"}
    places |= {"base": "", "test": "", "scale": "0.5-5", "order": "timestamp"} | data
    return IngestParams(
        seed=1,
        data=Data(source=source, **places),
        demo=Demo(users=20, movies=30, mean_ratings=10, max_ratings=20),
        engine=Engine(backend=backend, url="local[2]", memory_mb=500),
    )


def catalog_table(**columns: list) -> pa.Table:
    size = len(next(iter(columns.values())))
    return pa.table({f.name: pa.array(columns.get(f.name, [None] * size)) if f.name in columns
                     else pa.nulls(size, f.type) for f in CATALOG.file_schema})  # fmt: skip


def ratings_table(rows: list[tuple[int, int, float, int]]) -> pa.Table:
    users, movies, stars, times = zip(*rows, strict=True)
    return pa.table({"userId": users, "movieId": movies, "rating": stars, "timestamp": times})


def write_table(table: pa.Table, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return str(path)
