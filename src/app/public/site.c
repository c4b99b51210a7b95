#include "app/public/face.h"

void face_about(struct face_view *v)
{
    v->reply->status = 501;
}
void face_openapi(struct face_view *v)
{
    v->reply->status = 501;
}
void face_robots(struct face_view *v)
{
    v->reply->status = 501;
}
void face_security_txt(struct face_view *v)
{
    v->reply->status = 501;
}
void face_health(struct face_view *v)
{
    v->reply->status = 501;
}
