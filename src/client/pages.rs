//! Walking through a list: what the pager decides, sent.

use super::{CallOptions, Client, body, check, download::joined};
use crate::{
    argument,
    error::{Error, Kind, Result},
    files::Format,
    json::{Object, Value, object},
    ops::model::{Operation, Service},
    page::Pager,
    rows::ListFile,
};
use std::{path::PathBuf, sync::Arc};
use tokio::{sync::Mutex, task::spawn_blocking};

/// A walk through a list. Clones walk together.
#[derive(Clone, Debug)]
pub struct Pages {
    client: Client,
    op: &'static Operation,
    options: CallOptions,
    pager: Arc<Mutex<Pager>>,
}

impl Client {
    /// Walks through a list.
    pub fn pages(&self, op: &'static Operation, arguments: &Object, page_size: Option<u32>, options: CallOptions) -> Result<Pages> {
        check(&options)?;
        let arguments = argument::resolve(op, arguments, self.shared.parts.wire.clock.wall())?;
        let pager = Pager::new(op, &arguments, page_size, self.base(op.service), &self.origins(op.service))?;
        Ok(Pages { client: self.clone(), op, options, pager: Arc::new(Mutex::new(pager)) })
    }
}

impl Pages {
    /// The operation that is walked.
    pub fn operation(&self) -> &'static Operation {
        self.op
    }

    /// The next page's items, or `None` at the end. After an error the same page can be asked for again. Pages without a new item are passed
    /// over; only a list without any item has one empty page.
    pub async fn next(&self) -> Result<Option<Vec<Value>>> {
        let mut pager = self.pager.lock().await;
        while let Some(request) = pager.next_request()? {
            let at_start = pager.at_start();
            let page = match self.client.send(self.op, request, self.options).await {
                Ok(response) => body(&response)?,
                Err(e) if pager.refused(&e) => continue,
                // The Endpoint service answers 404 where others answer with an empty list.
                Err(e) if e.kind() == Kind::NotFound && is_empty_list(self.op, &e) => {
                    if at_start {
                        pager.finish();
                        return Ok(None);
                    }
                    object([("value", Value::Array(Vec::new()))])
                }
                Err(e) => return Err(e),
            };
            let items = pager.accept(page)?;
            if !items.is_empty() || (at_start && pager.is_done()) {
                return Ok(Some(items));
            }
        }
        Ok(None)
    }

    /// Writes what is left of the list to a file, a page at a time. The file is there when all of it is.
    pub async fn write(&self, path: PathBuf, format: Format) -> Result<()> {
        let op = self.op;
        let mut file = joined(spawn_blocking(move || ListFile::create(&path, format, op))).await?;
        while let Some(page) = self.next().await? {
            let added = spawn_blocking(move || {
                file.add(&page)?;
                Ok(file)
            });
            file = joined(added).await?;
        }
        joined(spawn_blocking(move || file.keep())).await
    }
}

/// A 404 that the service itself gave for a list without parameters in its path, not one from a wrong address.
fn is_empty_list(op: &Operation, error: &Error) -> bool {
    let said_by_service = error.facts().code.as_deref().is_some_and(|c| c == "ResourceNotFound" || c == "NotFound");
    op.service == Service::Endpoint && !op.path.contains('{') && said_by_service
}
