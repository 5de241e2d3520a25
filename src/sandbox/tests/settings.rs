//! Device groups, and where events are streamed to.

use super::*;

#[test]
fn groups_are_added_replaced_and_deleted() {
    let desk = Desk::open();
    let groups = || desk.get("/api/devicegroups");
    let names = column(&groups(), "deviceGroupName");
    assert!(names.contains(&"Servers".to_owned()));
    let machines = desk.get("/api/machines?$filter=rbacGroupId%20eq%20113").items().len();
    let servers = desk.get("/api/devicegroups/113");
    assert_eq!((servers.at("deviceGroupName"), servers.at("deviceCount")), ("Servers".into(), machines.to_string()));
    let add = |name: &str| desk.post("/api/devicegroups/adddevicegroups", &format!("{{'deviceGroups':[{{'deviceGroupName':'{name}'}}]}}"));
    assert_eq!((add("Lab").status, add("lab").status, add("").status), (200, 400, 400));
    let id = column(&groups(), "id").pop().unwrap();
    let delete = |ids: &str| desk.post("/api/devicegroups/deletedevicegroups", &format!("{{'ids':[{ids}]}}"));
    assert_eq!((delete(&format!("{id},1")).status, delete(&id).status), (404, 200));
    assert_eq!(column(&groups(), "deviceGroupName"), names);
    let replace = |additions: usize, deletions: usize| {
        let body = format!(
            "{{'deviceGroups':[{{'id':113,'deviceGroupName':'Servers'}},{{'deviceGroupName':'New'}}],'additionsCount':{additions},\
             'deletionsCount':{deletions}}}"
        );
        desk.post("/api/devicegroups/postdevicegroups", &body)
    };
    assert_eq!(replace(1, 0).at("error/code"), "InvalidInput");
    assert_eq!(replace(1, names.len() - 1).status, 200);
    assert_eq!(column(&groups(), "deviceGroupName"), ["Servers", "New"]);
}

#[test]
fn streams_are_made_shown_and_ended() {
    let desk = Desk::open();
    let create = |more: &str| {
        let body = format!("{{'id':'to hub','logs':[{{'category':'AdvancedHunting-DeviceInfo','enabled':true}}]{more}}}");
        desk.post("/api/dataexportsettings", &body)
    };
    assert_eq!(create("").at("error/code"), "MissingRequiredParameter");
    let hub = ",'eventHubProperties':{'name':'hub'}";
    assert_eq!((create(hub).status, create(hub).status), (200, 400));
    let one = desk.get("/api/dataexportsettings/to%20hub");
    assert_eq!((one.at("eventHubProperties/name"), one.at("workspaceProperties")), ("hub".into(), "null".into()));
    assert_eq!(desk.get("/api/dataexportsettings").items().len(), 1);
    assert_eq!(desk.go("DELETE", "/api/dataexportsettings/to%20hub", "").status, 204);
    assert_eq!(desk.get("/api/dataexportsettings/to%20hub").status, 404);
}
