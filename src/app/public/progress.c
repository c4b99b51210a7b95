#include "app/public/face.h"

void face_progress(struct face_view *v)
{
    v->reply->status = 501;
}
void face_progress_json(struct face_view *v)
{
    v->reply->status = 501;
}
void face_releases(struct face_view *v)
{
    v->reply->status = 501;
}
void face_release(struct face_view *v)
{
    v->reply->status = 501;
}
void face_release_json(struct face_view *v)
{
    v->reply->status = 501;
}
void face_proof(struct face_view *v)
{
    v->reply->status = 501;
}
void face_checkpoint(struct face_view *v)
{
    v->reply->status = 501;
}
void face_vkey(struct face_view *v)
{
    v->reply->status = 501;
}
