//! Works on the mounted files at `?path=` by the standard library, which uses `wasi:filesystem`
//! 0.2: reads, lists, writes, makes a folder, or makes a link (`?op=`).

use std::io::ErrorKind;

use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    operate(&request).map_err(|error| error.kind()).into()
}

fn operate(request: &Request) -> Result<Vec<u8>, std::io::Error> {
    let path = request.query.text("path");
    Ok(match request.query.text("op") {
        "write" => std::fs::write(path, &request.body).map(|()| Vec::new())?,
        "mkdir" => std::fs::create_dir(path).map(|()| Vec::new())?,
        "remove" => std::fs::remove_file(path).map(|()| Vec::new())?,
        "rename" => std::fs::rename(path, request.query.text("to")).map(|()| Vec::new())?,
        "list" => {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(path)? {
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort();
            names.join("\n").into()
        }
        "read" => std::fs::read(path)?,
        _ => return Err(ErrorKind::Unsupported.into()),
    })
}
