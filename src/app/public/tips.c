#include "app/public/face.h"

void face_reward(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tips(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_form(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_submit(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_return_form(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_return(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_say(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_claim(struct face_view *v)
{
    v->reply->status = 501;
}
void face_tip_withdraw(struct face_view *v)
{
    v->reply->status = 501;
}
